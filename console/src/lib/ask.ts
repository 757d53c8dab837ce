/** A question's form: what is wrong with it, and the fields of the act. */
import type { CaseView, Term } from '../api/types'
import { fen } from './format'

export interface AskForm {
  template: string
  hops: string
  amount: string
  hours: string
  cap: string
  custodians: string[]
  /** The numbers of joint questions, by template and name; empty: the default. */
  terms: Record<string, string>
  countOnly: boolean
}
/** What the template asks of the form beside its parameters. */
export interface Joint {
  joint?: string | null
  terms: readonly Term[]
}
type Takes = (parameter: string) => boolean
type Pair = [zh: string, en: string]
type Wrong = Partial<Record<keyof AskForm, Pair>>

/** Seven days: the templates' longest time between two transfers. */
const HOURS_MAX = 168

const whole = (text: string, most: number) => /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= most

/** Where a term's text is kept: two templates may have terms of one name. */
export const termKey = (form: Pick<AskForm, 'template'>, term: Pick<Term, 'name'>) => `${form.template}/${term.name}`

const termText = (form: AskForm, term: Term) => (form.terms[termKey(form, term)] ?? '').trim()

/** What is wrong with a term; null where it may be sent. */
export function termProblem(form: AskForm, term: Term): Pair | null {
  const typed = termText(form, term)
  const good = typed === '' || (/^\d{1,15}$/.test(typed) && Number(typed) >= term.least && Number(typed) <= term.most)
  return good ? null : [`${term.least} 至 ${term.most} 的整数`, `A whole number from ${term.least} to ${term.most}`]
}

export function askProblems(
  form: AskForm,
  warrant: Pick<CaseView, 'hops' | 'answer_cap'>,
  takes: Takes,
  joint?: Joint,
): Wrong {
  const wrong: Wrong = {}
  if (takes('hops') && form.hops && !whole(form.hops, warrant.hops))
    wrong.hops = [`1 至 ${warrant.hops} 的整数`, `A whole number from 1 to ${warrant.hops}`]
  if (takes('min_amount_minor') && form.amount && fen(form.amount) === null)
    wrong.amount = ['金额形如 1000 或 1000.50', 'An amount like 1000 or 1000.50']
  if (takes('within_ms') && form.hours && !whole(form.hours, HOURS_MAX))
    wrong.hours = [`1 至 ${HOURS_MAX} 的整数`, `A whole number from 1 to ${HOURS_MAX}`]
  if (form.cap && !whole(form.cap, warrant.answer_cap))
    wrong.cap = [`1 至 ${warrant.answer_cap} 的整数`, `A whole number from 1 to ${warrant.answer_cap}`]
  if (joint?.joint && joint.terms.some((term) => termProblem(form, term) !== null))
    wrong.terms = ['有数值超出范围', 'A number is out of its range']
  if (form.custodians.length === 0) wrong.custodians = ['至少选择一家', 'Choose at least one']
  return wrong
}

export function askFields(
  form: AskForm,
  warrant: Pick<CaseView, 'warrant' | 'custodians'>,
  takes: Takes,
  joint?: Joint,
): Record<string, unknown> {
  const fields: Record<string, unknown> = { warrant: warrant.warrant, template: form.template }
  if (takes('hops') && form.hops) fields['hops'] = Number(form.hops)
  if (takes('min_amount_minor') && form.amount) fields['min_amount_minor'] = fen(form.amount)
  if (takes('within_ms') && form.hours) fields['within_ms'] = Number(form.hours) * 3_600_000
  if (form.cap) fields['answer_cap'] = Number(form.cap)
  if (joint?.joint) {
    const given = joint.terms.filter((term) => termText(form, term) !== '')
    if (given.length > 0)
      fields['terms'] = Object.fromEntries(given.map((term) => [term.name, Number(termText(form, term))]))
    if (form.countOnly) fields['count_only'] = true
  }
  // All of them means: all that hold a table for it, as the node finds them.
  if (form.custodians.length < warrant.custodians.length) fields['custodians'] = [...form.custodians]
  return fields
}
