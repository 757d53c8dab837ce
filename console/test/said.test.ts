import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { refusalSaid } from '../src/i18n/refusals'
import { doingSaid, reasonSaid } from '../src/i18n/said'

const han = /\p{Script=Han}/u
const source = readFileSync(new URL('../../crates/primitives/src/semantic.rs', import.meta.url), 'utf8')
/** The reasons as the node writes them; a lookup key's ambiguity is never a row's. */
const reasons = [...(/impl fmt::Display for Reason \{.*?\n\}\n/s.exec(source)?.[0] ?? '').matchAll(/"([^"\n]+)"/g)]
  .map((found) => found[1] ?? '')
  .filter((text) => !text.startsWith('the value could be of several types'))

describe('rules that say no', () => {
  const names = (path: string) => {
    const text = readFileSync(new URL(`../../crates/${path}`, import.meta.url), 'utf8')
    return [...text.matchAll(/^ {4}[A-Z]\w+ = "([a-z-]+)"/gm)].map((found) => found[1] ?? '')
  }
  test.each([
    ['docket/src/rule.rs', 36],
    ['query/src/error.rs', 19],
  ] as const)('%s', (path, least) => {
    const known = names(path)
    expect(known.length).toBeGreaterThanOrEqual(least)
    expect(known.filter((rule) => !han.test(refusalSaid(rule) ?? ''))).toEqual([])
  })
})

describe('what a node says in English alone', () => {
  test('every reason of the node is known here', () => {
    expect(reasons.length).toBeGreaterThanOrEqual(11)
    expect(reasons.filter((text) => !han.test(reasonSaid(text, 'zh')))).toEqual([])
    expect(reasons.filter((text) => han.test(reasonSaid(text, 'en')))).toEqual([])
  })
  test.each([
    ['reading', '读取来源'],
    ['sorting by from_account', '按 from_account 排序'],
    ['preparing the lookup key account', '制备查询键 account'],
    ['step 2 of 3: transfers by from_account', '第 2 步，共 3 步：按 from_account 查“转账记录”'],
    ['computing over shares', '在份额上计算'],
    ["waiting for the count's record", '等待计数上链'],
    ['the three are computing', '三方正在计算'],
    ['collecting signatures', '收集各方签名'],
    ['waiting for bank_b: connection refused', '等待 bank_b：connection refused'],
    ['something new', 'something new'],
  ])('%s', (text, zh) => expect(doingSaid(text, 'zh')).toBe(zh))
})
