/** How cases and what they wait for are called. */
import type { Wait } from '../api/types'
import { count, short } from '../lib/format'

type Say = (zh: string, en: string) => string

export function caseTitle(card: { case?: string | null; warrant: string; case_commitment?: string }, say: Say): string {
  if (card.case) return card.case
  return say(`令状 ${short(card.warrant)}`, `Warrant ${short(card.warrant)}`)
}

/** How many subjects and scenes a warrant names; none of the one where it names the other. */
export function namedWords({ subjects, scenes = 0 }: { subjects: number; scenes?: number }, say: Say): string {
  const words = []
  if (subjects > 0 || scenes === 0) words.push(say(`${subjects} 个对象`, count(subjects, 'subject')))
  if (scenes > 0) words.push(say(`${scenes} 个现场`, count(scenes, 'scene')))
  return words.join(say('、', ', '))
}

export function waitWords(wait: Wait, say: Say, name: (id: string) => string): string {
  const who = wait.mine ? '' : name(wait.institution)
  const words: Record<string, [string, string]> = {
    'decide-draft': ['审批令状申请', 'Decide a draft warrant'],
    ask: ['令状已签发，可以提问', 'The warrant is in force: ask'],
    'decide-question': ['决定是否同意查询', 'Decide a question'],
    run: ['正在计算', 'The run goes on'],
    'open-answer': ['答案已得，等待开启', 'An answer waits to be opened'],
    export: ['可导出证据包', 'The bundle can be exported'],
  }
  const [zh, en] = words[wait.what] ?? [wait.what, wait.what]
  return who ? say(`${who}：${zh}`, `${who}: ${en}`) : say(zh, en)
}
