/** A whole case, played in the console by four people against real nodes, once in
 * each language: draft, narrow, issue, ask, one custodian refuses, the rest approve,
 * run, answer, link chart, provenance, bundle; the overseer checks it and a
 * tampered one. */
import { readFileSync } from 'node:fs'
import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Lang, launch, shot } from './browser'
import { type Network, network } from './network'
import { Person, person as seated } from './person'

let browser: Browser
let city: Network

beforeAll(async () => {
  browser = await launch()
  city = await network()
})
afterAll(async () => {
  await browser?.close()
  await city?.close()
})

const people = new Map<string, Person>()
const contexts = new Map<string, BrowserContext>()

/** Sits a person down in a context, enrols their passkey by the invitation, signs in. */
async function arrive(
  duty: string,
  institution: string,
  context: string,
  lang: Lang,
  faults: string[],
): Promise<Person> {
  const who = city.seats.find((seat) => seat.institution === institution && seat.duties.includes(duty))
  if (!who) throw new Error(`no ${duty} of ${institution}`)
  const known = people.get(`${institution}/${duty}`)
  if (known) {
    const person = new Person(known.seat, who, lang, faults, 'case')
    await person.page.evaluate((to) => localStorage.setItem('cordon.lang', to), lang)
    await person.page.goto('about:blank')
    await person.signIn()
    people.set(`${institution}/${duty}`, person)
    return person
  }
  const person = await seated(who, { browser, lang, faults, play: 'case', beside: contexts.get(context) })
  contexts.set(context, person.seat.context)
  await person.enrol(who.link)
  await person.look('enrol')
  await person.page.goto('about:blank')
  await person.signIn()
  people.set(`${institution}/${duty}`, person)
  return person
}

const day = (ms: number) => {
  const date = new Date(ms)
  return `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, '0')}-${String(date.getDate()).padStart(2, '0')}`
}

/** What each person saw when a play failed. */
async function pictures(): Promise<void> {
  for (const [name, person] of people)
    await shot(person.page, `failed-${name.replace('/', '-')}`).catch(() => undefined)
}

describe.each(['zh', 'en'] as Lang[])('a case in %s', (lang) => {
  test('from the draft to the checked bundle', async ({ onTestFailed }) => {
    onTestFailed(pictures)
    const faults: string[] = []
    const investigator = await arrive('investigator', 'police', 'investigator', lang, faults)
    const judge = await arrive('judge', 'procuratorate', 'authority', lang, faults)
    const bankA = await arrive('approver', 'bank_a', 'custodian', lang, faults)
    const bankB = await arrive('approver', 'bank_b', 'custodian', lang, faults)
    const overseer = await arrive('auditor', 'procuratorate', 'overseer', lang, faults)
    await investigator.look('today')

    // A draft, with a line that is wrong at first, and with the node away for a moment.
    const p = investigator
    await p.go('/cases/new')
    await p.page.getByLabel(p.t('案号', 'Case'), { exact: true }).fill(p.t('锦公刑〔2026〕0417号', 'JC-2026-0417'))
    await p.page
      .getByLabel(p.t('理由', 'Reason'), { exact: true })
      .fill(p.t('冒充客服诱导转账，需查明资金去向。', 'A telephone fraud: where did the money go?'))
    await p.page
      .getByLabel(p.t('法律依据', 'Legal basis'), { exact: true })
      .fill(p.t('《刑事诉讼法》第一百四十四条', 'Criminal Procedure Law, article 144'))
    for (const title of [
      p.t('钱去了哪里？', 'Where did the money go?'),
      p.t('这些电话、身份证号、账户是谁的？', 'Who holds these phones'),
    ])
      await p.page.locator('label.pick', { hasText: title }).locator('input').check()
    for (const bank of [p.t('银行A', 'Bank A'), p.t('银行B', 'Bank B')])
      await p.page.locator('label.pick', { hasText: bank }).locator('input').check()
    await p.page.getByLabel(p.t('从', 'From'), { exact: true }).fill(day(city.window_ms[0]))
    await p.page.getByLabel(p.t('到（含）', 'To (inclusive)'), { exact: true }).fill(day(city.window_ms[1]))
    await p.page.getByLabel(p.t('跳数', 'Hops'), { exact: true }).fill('3')
    await p.page.getByLabel(p.t('答案行数上限', 'Answer cap'), { exact: true }).fill('5000')
    const area = p.page.locator('textarea.mono')
    await area.fill(['id:110101199003070000', ...city.subjects].join('\n'))
    await p.page.locator('.checked.invalid').waitFor()
    await p.look('draft-wrong')
    await p.button('核对并签名', 'Review and sign').click()
    expect(await p.page.locator('dialog[open]').count()).toBe(0)
    await area.fill(city.subjects.join('\n'))
    await p.page.locator('.checked.invalid').waitFor({ state: 'detached' })
    await p.page.locator('.checked.ok').first().waitFor()
    await p.go('/cases')
    await p.page.locator('h1', { hasText: p.t('案件', 'Cases') }).waitFor()
    await p.go('/cases/new')
    expect(await p.page.locator('textarea.mono').inputValue()).toBe(city.subjects.join('\n'))
    await p.page.locator('.checked.ok').first().waitFor()
    await p.look('draft')
    await p.button('核对并签名', 'Review and sign').click()
    await p.sign()
    await p.page.waitForURL(/#\/cases\/[0-9a-f]{32}$/)
    const warrant = p.page.url().split('/').pop() ?? ''
    await p.look('drafted')

    // The judge reads it on one screen, and issues less than was asked.
    await judge.go('/inbox')
    await judge.page.locator(`a[href="#/inbox/draft/${warrant}"]`).first().waitFor()
    await judge.look('inbox')
    await judge.go(`/inbox/draft/${warrant}`)
    await judge.page.locator('.subject-list li').first().waitFor()
    await judge.page.getByLabel(judge.t('跳数（申请 3）', 'Hops (asked 3)')).fill('2')
    await judge.page
      .getByLabel(judge.t('理由', 'Reason'), { exact: true })
      .fill(judge.t('准予，两跳足够。', 'Granted; two hops suffice.'))
    await judge.look('decide')
    await judge.button('缩小并签发', 'Narrow and issue').click()
    await judge.sign()
    await judge.page.waitForURL(/#\/cases\//)
    await judge.look('issued')

    // The question: the plan stands before anything is asked.
    const ask = async (both: boolean) => {
      await p.go(`/cases/${warrant}/ask`)
      await p.page
        .locator('label.pick', { hasText: p.t('资金去向', 'Follow the money') })
        .locator('input')
        .check()
      if (!both)
        await p.page
          .locator('label.pick', { hasText: p.t('银行B', 'Bank B') })
          .locator('input')
          .uncheck()
      await p.button('查看方案', 'See the plan').click()
      await p.page.locator('.parties').waitFor()
      await p.look('plan')
      await p.button('核对并签名', 'Review and sign').click()
      await p.sign()
      await p.page.waitForURL(/#\/questions\/[0-9a-f]{64}$/)
      return p.page.url().split('/').pop() ?? ''
    }
    const first = await ask(true)

    // Bank B refuses with a reason; the question goes no further.
    await bankB.go('/inbox')
    await bankB.page.locator(`a[href="#/questions/${first}"]`).first().waitFor()
    await bankB.look('inbox')
    await bankB.go(`/questions/${first}`)
    await bankB.page.locator('.custody').waitFor()
    await bankB.page
      .locator('label.pick', { hasText: bankB.t('须写明理由', 'With a reason') })
      .locator('input')
      .check()
    await bankB.page
      .getByLabel(bankB.t('理由', 'Reason'), { exact: true })
      .fill(bankB.t('本行客户未在令状所述时段涉案。', 'Outside the time that the order names.'))
    await bankB.look('refuse')
    await bankB.button('拒绝…', 'Refuse…').click()
    await bankB.sign()
    await p.page
      .locator('.status', { hasText: p.t('未获同意', 'Declined') })
      .first()
      .waitFor()
    await p.look('declined')

    // Asked again without it, approved, run, opened.
    const question = await ask(false)
    await bankA.go(`/questions/${question}`)
    await bankA.page.locator('.custody').waitFor()
    await bankA.look('approve')
    await bankA.button('同意…', 'Approve…').click()
    await bankA.sign()
    const open = p.button('开启答案…', 'Open the answer…')
    await open.waitFor()
    await p.look('completed')
    await open.click()
    await p.sign()
    await p.page.locator('.chart[data-settled="true"]').waitFor()
    await p.page.locator('tbody tr.live').first().click()
    await p.page.locator('tbody tr[aria-selected="true"]').first().waitFor()
    await p.look('answer')

    // Table, chart and timeline select together; the drawer tells where a fact is from.
    expect(await p.page.locator('.time-strip .mark.lit').count()).toBeGreaterThan(0)
    const before = await p.page.locator('tbody tr[aria-selected="true"]').count()
    await p.page.locator('.chart canvas').focus()
    await p.page.keyboard.press('n')
    await p.page.keyboard.press('Enter')
    await expect.poll(() => p.page.locator('tbody tr[aria-selected="true"]').count()).toBeGreaterThanOrEqual(before)
    await p.page.getByRole('button', { name: p.t('第 1 行的来源', 'Where row 1 comes from') }).click()
    await p.page.locator('dialog.drawer h3').nth(3).waitFor()
    await p.look('provenance', false)
    await p.page.keyboard.press('Escape')

    // The bundle.
    const download = p.page.waitForEvent('download')
    await p.button('导出证据包…', 'Export the bundle…').click()
    await p.sign()
    const bundle = readFileSync(await (await download).path())
    expect(bundle.subarray(0, 2).toString()).toBe('PK')

    // The overseer sees the docket, checks the bundle, and a tampered one.
    await overseer.go('/oversight')
    await overseer.page.locator(`a[href="#/cases/${warrant}"]`).first().waitFor()
    await overseer.look('oversight')
    await overseer.go(`/cases/${warrant}`)
    await overseer.page.getByRole('tab', { name: overseer.t('卷宗', 'Docket') }).click()
    await overseer.button('打开卷宗', 'Open the docket').click()
    await overseer.page.locator('.line li').nth(5).waitFor()
    await overseer.look('docket')
    await overseer.go('/verify')
    await overseer.page
      .getByTestId('bundle')
      .setInputFiles({ name: 'case.cordon', mimeType: 'application/zip', buffer: bundle })
    await overseer.page.getByTestId('valid').waitFor()
    await overseer.look('valid')
    const tampered = Buffer.from(bundle)
    const at = Math.floor(tampered.length / 2)
    tampered[at] = (tampered[at] ?? 0) ^ 1
    await overseer.page
      .getByTestId('bundle')
      .setInputFiles({ name: 'tampered.cordon', mimeType: 'application/zip', buffer: tampered })
    await overseer.page.getByTestId('invalid').waitFor()
    expect(await overseer.page.locator('.tag').first().innerText()).not.toBe('')
    await overseer.look('tampered')
    for (const [name, path] of [
      ['records', '/oversight/records'],
      ['statistics', '/oversight/statistics'],
      ['alarms', '/oversight/alarms'],
      ['network', '/network'],
    ] as const) {
      await overseer.go(path)
      await overseer.page.locator('h1').waitFor()
      await overseer.page
        .locator('main .bones')
        .first()
        .waitFor({ state: 'detached' })
        .catch(() => undefined)
      await overseer.look(name)
    }
    for (const person of [investigator, judge, bankA, bankB, overseer]) faults.push(...person.complaints.splice(0))
    if (faults.length > 0) console.log([...new Set(faults)].join('\n'))
    expect(faults).toEqual([])
  })
})

test('a node that goes away loses nothing that was typed', async () => {
  const p = people.get('police/investigator')
  if (!p) throw new Error('nobody is signed in')
  await p.go('/cases/new')
  await p.page.getByLabel(p.t('理由', 'Reason'), { exact: true }).fill('kept')
  city.tell('stop police')
  await p.page.locator('.net .status').waitFor()
  await p.page.locator('textarea.mono').fill(city.subjects[0] ?? '')
  await p.page.locator('main .notice').first().waitFor()
  await p.look('away')
  expect(await p.page.getByLabel(p.t('理由', 'Reason'), { exact: true }).inputValue()).toBe('kept')
  city.tell('start police')
  // The node's sessions ended with it: the passkey again, over the page as it stands.
  await p.button('使用通行密钥', 'Use the passkey').click()
  await p.page.locator('dialog[open]').waitFor({ state: 'detached' })
  await p.page.locator('.net .status').waitFor({ state: 'detached' })
  expect(await p.page.getByLabel(p.t('理由', 'Reason'), { exact: true }).inputValue()).toBe('kept')
  expect(await p.page.locator('textarea.mono').inputValue()).toBe(city.subjects[0])
})

test('browser storage holds language and theme and nothing else', async () => {
  for (const person of people.values()) {
    const held = await person.page.evaluate(async () => ({
      local: Object.keys(localStorage),
      session: Object.keys(sessionStorage),
      databases: (await indexedDB.databases()).length,
      cookies: document.cookie,
    }))
    expect(held.local.filter((key) => !['cordon.lang', 'cordon.theme'].includes(key))).toEqual([])
    expect([held.session, held.databases, held.cookies]).toEqual([[], 0, ''])
  }
})

test('the committed OpenAPI document is the node’s own', async () => {
  const committed = JSON.parse(readFileSync(new URL('../openapi.json', import.meta.url), 'utf8')) as unknown
  const answer = await fetch(`${city.seats[0]?.origin ?? ''}/openapi.json`)
  expect(await answer.json()).toEqual(committed)
})
