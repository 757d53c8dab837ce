/** Fixed sentences that a node says in English alone, in both languages: why a row
 * was rejected, what a job or a run is at. What is not known here is shown as it came. */
import type { Lang } from './lang'
import { tables, word } from './words'

/** `Reason` in `crates/primitives/src/semantic.rs`, by its words there. */
const REASONS: Record<string, readonly [zh: string, en: string]> = {
  'the value is empty': ['没有值', 'empty'],
  'the value is too long': ['太长', 'too long'],
  'the value is too short': ['太短', 'too short'],
  'the value has a character that this type never has': [
    '有此类型不会有的字符',
    'a character that this type never has',
  ],
  'the value is in none of the forms of this type': ['不是此类型的任何写法', 'in none of the forms of this type'],
  'the check digit does not fit': ['校验位不符', 'the check digit does not fit'],
  'there is no such day or time, or it is outside 1900 to 2199': [
    '没有此日期或时刻，或不在 1900 至 2199 年',
    'no such day or time, or outside 1900 to 2199',
  ],
  'the number is out of range': ['数值超出范围', 'the number is out of range'],
  'the number is finer than the smallest unit': ['数值比最小单位更细', 'finer than the smallest unit'],
  'a spreadsheet has rounded the number': ['被电子表格四舍五入过', 'rounded by a spreadsheet'],
  'the column’s physical type cannot hold this semantic type': [
    '列的存储类型容不下此含义',
    'the column’s physical type cannot hold this',
  ],
}

type Pattern = [RegExp, (found: string[], lang: Lang) => [zh: string, en: string]]
const DOING: Pattern[] = [
  [/^reading$/, () => ['读取来源', 'reading the source']],
  [/^done$/, () => ['完成', 'done']],
  [/^collecting shares$/, () => ['收集份额', 'collecting shares']],
  [/^computing over shares$/, () => ['在份额上计算', 'computing over shares']],
  [
    /^computing over shares, part (\d+) of (\d+)$/,
    ([part, parts]) => [
      `在份额上计算：第 ${part} 部分，共 ${parts} 部分`,
      `computing over shares: part ${part} of ${parts}`,
    ],
  ],
  [/^waiting for the count's record$/, () => ['等待计数上链', 'waiting for the count to be on record']],
  [/^opening to the requester$/, () => ['向请求方打开', 'opening to the requester']],
  [/^the three are computing$/, () => ['三方正在计算', 'the three are computing']],
  [/^the rows are opened$/, () => ['正在打开各行', 'the rows are being opened']],
  [/^sorting by (.+)$/, ([key]) => [`按 ${key} 排序`, `sorting by ${key}`]],
  [/^preparing the lookup key (.+)$/, ([key]) => [`制备查询键 ${key}`, `preparing the lookup key ${key}`]],
  [/^collecting signatures$/, () => ['收集各方签名', 'collecting signatures']],
  [/^waiting for ([a-z0-9_-]+): (.*)$/s, ([who, why]) => [`等待 ${who}：${why}`, `waiting for ${who}: ${why}`]],
  [
    /^step (\d+) of (\d+): (\S+) by (\S+)$/,
    ([step, steps, table = '', key], lang) => [
      `第 ${step} 步，共 ${steps} 步：按 ${key} 查“${word(tables, table, lang)}”`,
      `step ${step} of ${steps}: ${word(tables, table, lang)} by ${key}`,
    ],
  ],
]

/** Causes of an aborted run that are no peer's fault. */
const CAUSES: Record<string, readonly [zh: string, en: string]> = {
  cancelled: ['请求方取消了查询', 'the requester cancelled the question'],
}

const TOO_MANY_ROWS = /^too-many-rows \(refused by (.+)\)$/

export function causeSaid(text: string, lang: Lang): string {
  const who = TOO_MANY_ROWS.exec(text)?.[1]
  if (who) {
    return lang === 'zh'
      ? `${who} 的表所选行数超出一次可计算的上限：请增加“部分”的数目，或缩短时间后再问`
      : `${who} selects more rows than can be computed at once: ask again in more parts, or of a shorter time`
  }
  return CAUSES[text]?.[lang === 'zh' ? 0 : 1] ?? text
}

export function reasonSaid(text: string, lang: Lang): string {
  const pair = REASONS[text.replaceAll("'", '’')]
  return pair ? pair[lang === 'zh' ? 0 : 1] : text
}

export function doingSaid(text: string, lang: Lang): string {
  for (const [pattern, say] of DOING) {
    const found = pattern.exec(text)
    if (found) return say(found.slice(1), lang)[lang === 'zh' ? 0 : 1]
  }
  return text
}
