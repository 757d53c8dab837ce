/** A draft's form: what was typed, what is wrong with it, the act it makes. */
import type { Act, CheckedLine, Scene, TemplateView } from '../api/types'
import { count } from './format'
import { endOf, startOf } from './when'

export interface DraftForm {
  case: string
  reason: string
  basis: string
  authority: string
  templates: string[]
  custodians: string[]
  subjects: string
  scenes: SceneForm[]
  from: string
  to: string
  hops: string
  cap: string
  runs: string
  days: string
}

/** A place and a time as they are typed. */
export interface SceneForm {
  /** The whole city, instead of a cell. */
  city: boolean
  cell: string
  from: string
  to: string
}

export const SCENES_MAX = 64
const CELL_MAX = 2 ** 32 - 1
export const blankScene = (): SceneForm => ({ city: false, cell: '', from: '', to: '' })

export const DAY_MS = 86_400_000

type Pair = [zh: string, en: string]
export type Wrong = Partial<Record<keyof DraftForm, Pair>>
export type WrongScene = Partial<Record<'cell' | 'from' | 'to', Pair>>
/** What templates begin from. */
export type Begins = Pick<TemplateView, 'template' | 'joint'>

const whole = (text: string, least: number, most: number): number | null => {
  const value = Number(text)
  return /^\d+$/.test(text.trim()) && value >= least && value <= most ? value : null
}

/** What the chosen templates begin from: subjects, scenes, or with neither the window alone. */
export function begins(form: Pick<DraftForm, 'templates'>, known: readonly Begins[]) {
  const chosen = form.templates.map((id) => known.find((one) => one.template === id)?.joint ?? 'subjects')
  return {
    scenes: chosen.includes('scenes'),
    subjects: chosen.length === 0 || chosen.includes('subjects'),
    window: chosen.includes('window'),
  }
}

/** What is wrong with a scene, which lies inside the draft's window. */
export function sceneProblems(scene: SceneForm, form: Pick<DraftForm, 'from' | 'to'>): WrongScene {
  const wrong: WrongScene = {}
  if (!scene.city && whole(scene.cell, 0, CELL_MAX) === null)
    wrong.cell = ['小区编号是整数', 'A cell is a whole number']
  const [from, to] = windowOf(scene)
  const [first, end] = windowOf(form)
  if (from === null) wrong.from = ['请填写起始', 'Give its beginning']
  else if (first !== null && from < first) wrong.from = ['早于数据时段', 'Before the window']
  if (to === null) wrong.to = ['请填写截止', 'Give its end']
  else if (end !== null && to > end) wrong.to = ['晚于数据时段', 'After the window']
  else if (from !== null && to <= from) wrong.to = ['截止早于起始', 'The end is before the beginning']
  return wrong
}

/** What is wrong, field by field; empty where the form may be sent. */
export function problems(
  form: DraftForm,
  checked: readonly CheckedLine[] | null,
  known: readonly Begins[] = [],
): Wrong {
  const wrong: Wrong = {}
  if (!form.case.trim()) wrong.case = ['请填写案号', 'Give the case’s file name']
  if (!form.reason.trim()) wrong.reason = ['请说明理由', 'Say why']
  if (!form.basis.trim()) wrong.basis = ['请填写法律依据', 'Give the legal basis']
  if (!form.authority) wrong.authority = ['请选择签发机关', 'Choose an authority']
  if (form.templates.length === 0) wrong.templates = ['至少选择一个查询模板', 'Choose at least one template']
  if (form.custodians.length === 0) wrong.custodians = ['至少选择一家数据方', 'Choose at least one custodian']
  const [from, to] = windowOf(form)
  if (from === null) wrong.from = ['请填写起始日', 'Give the first day']
  if (to === null) wrong.to = ['请填写截止日', 'Give the last day']
  if (from !== null && to !== null && to <= from) wrong.to = ['截止早于起始', 'The end is before the beginning']
  if (whole(form.hops, 1, 8) === null) wrong.hops = ['1 至 8 的整数', 'A whole number from 1 to 8']
  if (whole(form.cap, 1, 10_000_000) === null) wrong.cap = ['正整数', 'A positive whole number']
  if (whole(form.runs, 1, 1000) === null) wrong.runs = ['1 至 1000 的整数', 'A whole number from 1 to 1000']
  if (whole(form.days, 1, 3650) === null) wrong.days = ['1 至 3650 的整数', 'A whole number from 1 to 3650']
  const bad = checked?.filter((line) => line.state === 'invalid').length ?? 0
  const good = checked?.filter((line) => line.state === 'ok').length ?? 0
  if (bad > 0) wrong.subjects = [`有 ${bad} 行不能识别`, `${count(bad, 'line')} can’t be read`]
  const needs = begins(form, known)
  if (bad === 0 && checked !== null && good === 0 && needs.subjects)
    wrong.subjects = ['请至少填写一个对象', 'Give at least one subject']
  const badScenes = form.scenes.filter((scene) => Object.keys(sceneProblems(scene, form)).length > 0).length
  if (badScenes > 0) wrong.scenes = [`有 ${badScenes} 处现场须更正`, `${count(badScenes, 'scene')} to mend`]
  else if (form.scenes.length === 0 && needs.scenes) wrong.scenes = ['请至少填写一处现场', 'Give at least one scene']
  else if (form.scenes.length === 0 && checked !== null && good === 0 && !needs.subjects)
    wrong.scenes = ['请至少填写一处现场或一个对象', 'Give at least one scene or subject']
  return wrong
}

/** The scenes of a form without problems, each once. */
function scenesOf(form: DraftForm): Scene[] {
  const scenes = new Map<string, Scene>()
  for (const typed of form.scenes) {
    const [from, to] = windowOf(typed)
    const scene = { cell: typed.city ? null : Number(typed.cell), from_ms: from ?? 0, to_ms: to ?? 0 }
    scenes.set(JSON.stringify(scene), scene)
  }
  return [...scenes.values()]
}

/** The act of a form without problems. */
export function draftAct(form: DraftForm, checked: readonly CheckedLine[]): Act {
  const [from, to] = windowOf(form)
  return {
    act: 'draft-warrant',
    case: form.case.trim(),
    reason: form.reason.trim(),
    basis: form.basis.trim(),
    authority: form.authority,
    templates: form.templates,
    custodians: form.custodians,
    subjects: checked.flatMap((line) => (line.state === 'ok' && line.selector ? [line.selector] : [])),
    ...(form.scenes.length > 0 ? { scenes: scenesOf(form) } : {}),
    window_from_ms: from ?? 0,
    window_to_ms: to ?? 0,
    hops: Number(form.hops),
    answer_cap: Number(form.cap),
    runs: Number(form.runs),
    life_ms: Number(form.days) * DAY_MS,
  } as Act
}

/** The window's first millisecond and the first after it. */
function windowOf(form: { from: string; to: string }): [number | null, number | null] {
  return [startOf(form.from), endOf(form.to)]
}

/** Lines of a pasted text or an uploaded file: by line, comma, tab or semicolon. */
export function subjectLines(text: string): string[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|[\n\r]/)
    .flatMap((line) => line.split(/[,;\t，；]/))
    .map((line) => line.trim())
}
