/** A question's form: what is wrong with it, and the fields of the act. */
import type { CaseView } from '../api/types'
import { fen } from './format'

export interface AskForm {
  template: string
  hops: string
  amount: string
  hours: string
  cap: string
  custodians: string[]
}
type Takes = (parameter: string) => boolean
type Wrong = Partial<Record<keyof AskForm, [zh: string, en: string]>>

/** Seven days: the templates' longest time between two transfers. */
const HOURS_MAX = 168

const whole = (text: string, most: number) => /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= most

export function askProblems(form: AskForm, warrant: Pick<CaseView, 'hops' | 'answer_cap'>, takes: Takes): Wrong {
  const wrong: Wrong = {}
  if (takes('hops') && form.hops && !whole(form.hops, warrant.hops))
    wrong.hops = [`1 至 ${warrant.hops} 的整数`, `A whole number from 1 to ${warrant.hops}`]
  if (takes('min_amount_minor') && form.amount && fen(form.amount) === null)
    wrong.amount = ['金额形如 1000 或 1000.50', 'An amount like 1000 or 1000.50']
  if (takes('within_ms') && form.hours && !whole(form.hours, HOURS_MAX))
    wrong.hours = [`1 至 ${HOURS_MAX} 的整数`, `A whole number from 1 to ${HOURS_MAX}`]
  if (form.cap && !whole(form.cap, warrant.answer_cap))
    wrong.cap = [`1 至 ${warrant.answer_cap} 的整数`, `A whole number from 1 to ${warrant.answer_cap}`]
  if (form.custodians.length === 0) wrong.custodians = ['至少选择一家', 'Choose at least one']
  return wrong
}

export function askFields(
  form: AskForm,
  warrant: Pick<CaseView, 'warrant' | 'custodians'>,
  takes: Takes,
): Record<string, unknown> {
  const fields: Record<string, unknown> = { warrant: warrant.warrant, template: form.template }
  if (takes('hops') && form.hops) fields['hops'] = Number(form.hops)
  if (takes('min_amount_minor') && form.amount) fields['min_amount_minor'] = fen(form.amount)
  if (takes('within_ms') && form.hours) fields['within_ms'] = Number(form.hours) * 3_600_000
  if (form.cap) fields['answer_cap'] = Number(form.cap)
  // All of them means: all that hold a table for it, as the node finds them.
  if (form.custodians.length < warrant.custodians.length) fields['custodians'] = [...form.custodians]
  return fields
}
