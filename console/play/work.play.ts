/** A day at several institutions' consoles, against real nodes: registrars and a new
 * officer, a table and its bad rows, a rule and the question that it approves, a run
 * watched and cancelled, the engineer's pages, votes on a member. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Lang, launch, shot } from './browser'
import { type Network, network } from './network'
import { type Person, person } from './person'

let browser: Browser
let city: Network
const faults: string[] = []
const everybody: Person[] = []

beforeAll(async () => {
  browser = await launch()
  city = await network()
})
afterAll(async () => {
  await browser?.close()
  await city?.close()
})

const originOf = (institution: string) => city.seats.find((seat) => seat.institution === institution)?.origin ?? ''
async function sits(institution: string, officer: string, lang: Lang): Promise<Person> {
  const someone = await person(
    { institution, officer, origin: originOf(institution) },
    { browser, lang, faults, play: 'work' },
  )
  everybody.push(someone)
  return someone
}
/** Takes a seat of the demonstration: enrols by its link, signs in. */
async function takes(institution: string, officer: string, lang: Lang): Promise<Person> {
  const someone = await sits(institution, officer, lang)
  const seat = city.seats.find((one) => one.institution === institution && one.officer === officer)
  await someone.enrol(seat?.link ?? '')
  await someone.page.goto('about:blank')
  await someone.signIn()
  return someone
}
const asked = (institution: string, path: string, init: RequestInit = {}) =>
  fetch(`${originOf(institution)}${path}`, {
    ...init,
    headers: { Authorization: `Cordon-Operator ${city.operator(institution)}`, 'Content-Type': 'application/json' },
  })

/** A play ends with no fault of axe's, nothing that sticks out, no error on a page's console. */
async function whole(): Promise<void> {
  const found = [...faults.splice(0), ...everybody.flatMap((one) => one.complaints.splice(0))]
  // Nobody stays behind to be told of what happens to others.
  await Promise.all(everybody.splice(0).map((one) => one.seat.context.close()))
  if (found.length > 0) console.log([...new Set(found)].join('\n'))
  expect(found).toEqual([])
}
async function pictures(): Promise<void> {
  for (const [i, one] of everybody.entries())
    await shot(one.page, `failed-${one.who.institution}-${one.who.officer}-${i}`).catch(() => undefined)
}

test('two registrars let a new officer in, and out', async ({ onTestFailed }) => {
  onTestFailed(pictures)
  const operator = await sits('telecom_a', 'operator', 'zh')
  await operator.signInAsOperator(city.operator('telecom_a'))
  const invite = async (by: Person, officer: string, duty: [string, string]): Promise<string> => {
    await by.go('/officers')
    await by.button('邀请经办人', 'Invite an officer').click()
    await by.field('代号', 'Handle').fill(officer)
    await by.box(...duty).check()
    if (officer === 'reg_1') await by.see('invite', false)
    await by.button('生成邀请', 'Make the invitation').click()
    const link = by.field('链接', 'Link')
    await link.waitFor()
    const made = await link.inputValue()
    if (officer === 'reg_1') await by.see('invited', false)
    await by.page.keyboard.press('Escape')
    return made
  }

  // The first registrar needs nobody's word but the operator's invitation.
  const registrar: [string, string] = ['登记员', 'Registrar']
  const first = await sits('telecom_a', 'reg_1', 'zh')
  await first.enrol(await invite(operator, 'reg_1', registrar))
  await first.page.getByText('已登记，可以登录').waitFor()
  await first.signIn()

  // The second one is proposed by the node, and the first confirms.
  const second = await sits('telecom_a', 'reg_2', 'en')
  const shown = await second.enrol(await invite(operator, 'reg_2', registrar))
  await second.page.getByText('Proposed: a registrar must confirm').waitFor()
  await second.see('enrol-proposed')
  await first.go('/officers')
  const nominee = first.page.locator('li.task', { hasText: 'reg_2' })
  await nominee.waitFor()
  expect(await nominee.locator('.fingerprint').innerText()).toBe(shown)
  await nominee.getByRole('button', { name: '确认…' }).click()
  await first.sign()
  await nominee.waitFor({ state: 'detached' })
  await second.signIn()

  // An approver takes both: one proposes, the other confirms, nobody does both.
  const analyst = await sits('telecom_a', 'analyst', 'zh')
  const print = await analyst.enrol(await invite(first, 'analyst', ['数据审批员', 'Approver']))
  await analyst.page.getByText('等待两名登记员').waitFor()
  await analyst.see('enrol-waiting')
  const waiting = (by: Person) => by.page.locator('li.task', { hasText: 'analyst' })
  await waiting(first).waitFor()
  expect(await waiting(first).locator('.fingerprint').innerText()).toBe(print)
  await first.see('officers-waiting')
  await waiting(first).getByRole('button', { name: '提名…' }).click()
  // Once from the list, once computed from the bytes that will be signed.
  await first.page.locator('dialog .fingerprint').nth(1).waitFor()
  expect(await first.page.locator('dialog .fingerprint').allInnerTexts()).toEqual([print, print])
  await first.sign()
  await second.go('/officers')
  await waiting(second).getByRole('button', { name: 'Confirm…' }).waitFor()
  expect(await waiting(second).locator('.fingerprint').innerText()).toBe(print)
  await expect.poll(() => waiting(first).getByRole('button').count()).toBe(0)
  await second.see('officers-proposed')
  await waiting(second).getByRole('button', { name: 'Confirm…' }).click()
  expect(await second.page.locator('dialog .fingerprint').innerText()).toBe(print)
  await second.sign()
  await waiting(second).waitFor({ state: 'detached' })
  await second.see('officers')
  await analyst.signIn()
  await analyst.page.locator('.who', { hasText: 'analyst' }).waitFor()

  // Retired, the passkey opens nothing any more.
  const row = first.page.getByRole('row', { name: /analyst/ })
  await row.getByRole('button', { name: '注销…' }).click()
  await first.sign()
  await row.waitFor({ state: 'detached' })
  await analyst.go('/cases')
  await analyst.page.locator('dialog[open]').waitFor()
  await analyst.see('retired', false)
  await whole()
})

/** A resident id with its check digit (GB 11643). */
function residentId(i: number): string {
  const body = `439921${19_700_101 + (i % 20) * 10_000}${String(i % 1_000).padStart(3, '0')}`
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
  const sum = [...body].reduce((total, digit, at) => total + Number(digit) * (weights[at] ?? 0), 0)
  return body + '10X98765432'[sum % 11]
}
/** Accounts as a bank's clerk would export them, with four rows that can't be read. */
function accounts(rows: number): string {
  const lines = ['账号,姓名,身份证号,手机号,opened,memo']
  for (let i = 0; i < rows; i++)
    lines.push(
      `6228${String(480_000_000_000_000 + i * 7_919)},户名${i},${residentId(i)},138${String(10_000_000 + i)},2019-0${1 + (i % 9)}-11,m${i}`,
    )
  const spoil = (line: number, from: string | RegExp, to: string) => {
    lines[line] = (lines[line] ?? '').replace(from, to)
  }
  spoil(3, /^\d+/, '62')
  spoil(5, /,\d{17}[\dX],/, ',439921197001010017,')
  spoil(9, '2019-', '2019-13')
  spoil(12, /^\d+/, '6.228E+18')
  return `${lines.join('\n')}\n`
}

test('a table is connected, confirmed and snapshotted; its bad rows say why', async ({ onTestFailed }) => {
  onTestFailed(pictures)
  const steward = await takes('bank_d', 'custodian', 'en')
  const source = join(city.folder, 'clerk.csv')
  const rows = 30_000
  writeFileSync(source, accounts(rows))
  await steward.go('/datasets')
  await steward.page.getByRole('row').nth(2).waitFor()
  await steward.see('datasets')
  await steward.page.getByRole('link', { name: 'Connect a table' }).first().click()
  await steward.field('数据表名', 'Dataset’s name').fill('clerk')
  await steward.field('文件路径或数据库', 'File or database').fill('/nowhere/clerk.csv')
  await steward.button('看一眼来源', 'Look at the source').click()
  await steward.page.locator('main [role="alert"]').waitFor()
  await steward.see('no-such-file')
  await steward.field('文件路径或数据库', 'File or database').fill(source)
  await steward.button('看一眼来源', 'Look at the source').click()
  const choice = (label: string) => steward.page.getByLabel(label, { exact: true })
  await choice('Meaning of account').waitFor()
  expect(await choice('Meaning of account').inputValue()).toBe('account')
  expect(await choice('Meaning of id_number').inputValue()).toBe('resident_id')
  expect(await choice('Meaning of opened').inputValue()).toBe('date')
  expect(await choice('Disclosure of memo').inputValue()).toBe('never')
  await choice('Disclosure of phone').selectOption('never')
  // The last column's choice is written into the specification like any other's.
  await choice('Disclosure of memo').selectOption('key_only')
  expect(await choice('Disclosure of memo').inputValue()).toBe('key_only')
  await choice('Disclosure of memo').selectOption('never')
  await steward.see('preview')

  // The node goes away in the middle: nothing typed or chosen is lost.
  city.tell('stop bank_d')
  await steward.page.locator('.net .status').waitFor()
  await steward.button('按修改再看一眼', 'Look again with these').click()
  await steward.page.locator('main [role="alert"]').waitFor()
  await steward.see('away')
  await steward.go('/network')
  await steward.page.locator('h1', { hasText: 'The network' }).waitFor()
  await steward.go('/datasets/new')
  expect(await choice('Disclosure of phone').inputValue()).toBe('never')
  city.tell('start bank_d')
  await steward.button('使用通行密钥', 'Use the passkey').click()
  await steward.page.locator('dialog[open]').waitFor({ state: 'detached' })
  await steward.button('按修改再看一眼', 'Look again with these').click()
  await steward.page.locator('main [role="alert"]').waitFor({ state: 'detached' })
  expect(await choice('Disclosure of phone').inputValue()).toBe('never')
  expect(await steward.field('文件路径或数据库', 'File or database').inputValue()).toBe(source)

  await steward.button('确认并公布', 'Confirm and publish').click()
  await steward.page.waitForURL(/#\/datasets\/clerk$/)
  const phone = steward.page.getByRole('row', { name: /^Phone/ })
  await phone.waitFor()
  expect(await phone.innerText()).toContain('Never')
  await steward.button('生成快照', 'Take a snapshot').click()
  const bar = steward.page.getByRole('progressbar', { name: 'The snapshot' })
  await bar.waitFor()
  await steward.see('snapshot-running')
  const snapshot = steward.page.locator('li.task').first()
  await snapshot.waitFor()
  await bar.waitFor({ state: 'detached' })
  expect(await snapshot.innerText()).toContain(`${(rows - 4).toLocaleString('en-GB')} rows`)
  expect(await snapshot.innerText()).toContain('4 rejected')
  await steward.button('拒收了哪些行，为何', 'Which rows were rejected, and why').click()
  const rejected = steward.page.getByRole('group', { name: 'Rejected rows' }).locator('tbody tr')
  await rejected.first().waitFor()
  const told = await rejected.allInnerTexts()
  expect(told.map((line) => line.split(/\s/)[0])).toEqual(['3', '5', '9', '12'])
  expect(told[0]).toMatch(/Account.*too short/s)
  expect(told[1]).toMatch(/check digit/)
  await steward.see('rejected')
  await steward.button('English', '中文').click()
  await steward.page.getByText('校验位不符').first().waitFor()
  await steward.look('rejected-zh')
  await whole()
})

/** The rules are in force once the page says so; where that takes a signature, it is given. */
async function inForce(by: Person): Promise<void> {
  const told = by.page.getByText(by.t('规则已生效', 'The rules are in force'))
  const signs = by.page.getByTestId('sign')
  await told.or(signs).first().waitFor()
  if (await signs.count()) await by.sign()
}

test('a rule approves a question; its answer is a table and a file; another question is cancelled', async ({
  onTestFailed,
}) => {
  onTestFailed(pictures)
  const bankA = await takes('bank_a', 'custodian', 'zh')
  const bankB = await takes('bank_b', 'custodian', 'en')
  const judge = await takes('procuratorate', 'judge', 'zh')
  const investigator = await takes('police', 'investigator', 'en')

  // Bank A lets its node approve small questions about money.
  await bankA.go('/rules')
  await bankA.button('加一条规则', 'Add a rule').click()
  await bankA.field('模板', 'Template').selectOption('follow-the-money')
  await bankA.field('规则名', 'Rule’s name').fill('money-up-to-5000')
  await bankA.field('行数至多', 'Rows at most').fill('many')
  expect(await bankA.button('核对并签名', 'Review and sign').isDisabled()).toBe(true)
  await bankA.field('行数至多', 'Rows at most').fill('5000')
  await bankA.field('跳数至多', 'Hops at most').fill('2')
  await bankA.field('对象至多', 'Subjects at most').fill('50')
  await bankA.field('为何修改', 'Why').fill('小额资金查询由节点自行同意')
  await bankA.see('rule-typed')
  await bankA.button('核对并签名', 'Review and sign').click()
  await inForce(bankA)
  await bankA.page.getByText('小额资金查询由节点自行同意').waitFor()
  await bankA.see('rules')

  // The draft that waits is issued as it was asked.
  await judge.go('/inbox')
  await judge.page.locator('a[href^="#/inbox/draft/"]').first().click()
  await judge.page.locator('.subject-list li').first().waitFor()
  await judge.field('理由', 'Reason').fill('准予。')
  await judge.button('签发', 'Issue').click()
  await judge.sign()
  await judge.page.waitForURL(/#\/cases\//)
  const warrant = judge.page.url().split('/').pop() ?? ''

  const ask = async (banks: string[], cap: string): Promise<string> => {
    await investigator.go('/cases')
    await investigator.go(`/cases/${warrant}/ask`)
    await investigator.page.locator('label.pick', { hasText: 'Follow the money' }).locator('input').check()
    for (const box of await investigator.page
      .locator('fieldset', { hasText: 'Custodians to ask' })
      .locator('label.pick')
      .all())
      await box.locator('input').setChecked(banks.includes((await box.innerText()).trim()))
    await investigator.field('跳数', 'Hops').fill('2')
    await investigator.field('答案行数上限', 'Answer cap').fill(cap)
    await investigator.button('查看方案', 'See the plan').click()
    await investigator.page.locator('.parties').waitFor()
    await investigator.button('核对并签名', 'Review and sign').click()
    await investigator.sign()
    await investigator.page.waitForURL(/#\/questions\/[0-9a-f]{64}$/)
    return investigator.page.url().split('/').pop() ?? ''
  }

  // Within the rule nobody is asked; the record names the rule.
  const small = await ask(['Bank A'], '5000')
  const open = investigator.button('开启答案…', 'Open the answer…')
  await open.waitFor()
  await bankA.go(`/cases/${warrant}`)
  await bankA.page.getByRole('tab', { name: '卷宗' }).click()
  await bankA.button('打开卷宗', 'Open the docket').click()
  await bankA.page.getByText('money-up-to-5000').first().waitFor()
  await bankA.see('docket-by-rule')
  await open.click()
  await investigator.sign()
  await investigator.page.locator('.chart[data-settled="true"]').waitFor()
  await investigator.see('answer')
  expect(await investigator.page.locator('tbody .subject-mark').count()).toBeGreaterThan(0)
  expect(await investigator.page.locator('.chart-legend .subject').count()).toBe(1)
  const columns = (await investigator.page.locator('table thead th').allInnerTexts()).length - 2
  const rows = Number(
    (
      await investigator.page
        .getByText(/^\d+ rows?$/)
        .first()
        .innerText()
    ).split(' ')[0],
  )
  const first = (await investigator.page.locator('tbody tr.live').first().locator('td').allInnerTexts()).map(
    (cell) => /\d{12,}/.exec(cell)?.[0] ?? '',
  )

  // The same as a file: a line a row, the table's values, no formula at a cell's beginning.
  const download = investigator.page.waitForEvent('download')
  await investigator.button('导出表格', 'Export CSV').click()
  // That it leaves, for whom and why, is signed first.
  await investigator.field('交给谁，为何', 'For whom, and why').waitFor()
  await investigator.look('passing-on', false)
  await investigator.field('交给谁，为何', 'For whom, and why').fill('for the bureau’s analysts')
  await investigator.button('核对并签名', 'Review and sign').click()
  await investigator.sign()
  const csv = readFileSync(await (await download).path(), 'utf8')
    .replace(/^\uFEFF/, '')
    .trimEnd()
    .split(/\r\n|\n/)
  expect((await download).suggestedFilename()).toBe(`follow-the-money-${small.slice(0, 8)}.csv`)
  expect(csv).toHaveLength(rows + 1)
  expect((csv[0] ?? '').split(',').length).toBeGreaterThanOrEqual(columns)
  expect(csv.slice(1).some((line) => first[0] && line.includes(first[0]) && first[1] && line.includes(first[1]))).toBe(
    true,
  )
  expect(csv.join('\n')).not.toMatch(/(^|,)"?[=@]/m)

  // A question that nobody has decided yet can be cancelled.
  const third = await ask(['Bank B'], '5000')
  await investigator.button('取消查询', 'Cancel the question').click()
  await investigator.button('不取消', 'Keep it').click()
  await investigator.button('取消查询', 'Cancel the question').click()
  await investigator.button('确认取消', 'Yes, cancel it').click()
  await investigator.page.locator('h1 .status', { hasText: 'Aborted' }).waitFor()
  await bankB.go(`/questions/${third}`)
  await bankB.page.locator('h1 .status', { hasText: 'Aborted' }).waitFor()
  expect(await bankB.button('同意…', 'Approve…').count()).toBe(0)
  await whole()
})

test('the engineer signs in by the node’s token, sees the network, sets the log', async ({ onTestFailed }) => {
  onTestFailed(pictures)
  const engineer = await sits('power', 'engineer', 'en')
  await engineer.page.goto(engineer.who.origin)
  await engineer.page.locator('summary').click()
  await engineer.field('运维令牌', 'Operator’s token').fill('0'.repeat(64))
  const signIn = engineer.page.getByRole('button', { name: 'Sign in', exact: true })
  await signIn.click()
  await engineer.page.locator('[role="alert"]').first().waitFor()
  await engineer.see('token-wrong')
  await engineer.field('运维令牌', 'Operator’s token').fill(city.operator('power'))
  await signIn.click()
  await engineer.page.locator('.shell').waitFor()
  await engineer.page.locator('main h1').waitFor()
  await engineer.see('engineer-home')

  await engineer.go('/network')
  await expect.poll(() => engineer.page.locator('.network-map .link.up').count(), { timeout: 20_000 }).toBe(9)
  await engineer.see('map')
  await engineer.go('/engine')
  await engineer.page.getByText('Healthy: the ledger makes progress').waitFor()
  await engineer.see('engine')

  const level = engineer.field('过滤', 'Filter')
  const before = await level.inputValue()
  await level.fill('info,node=loud')
  await engineer.page.getByRole('button', { name: 'Set', exact: true }).click()
  await engineer.page.locator('main [role="alert"]').waitFor()
  await level.fill('info,node=debug')
  await engineer.page.getByRole('button', { name: 'Set', exact: true }).click()
  await engineer.page.locator('main [role="alert"]').waitFor({ state: 'detached' })
  await engineer.page.getByText('The log’s level is set until the node restarts').waitFor()
  const now = (await (await asked('power', '/v1/engine/log')).json()) as { filter: string; default: string }
  expect(now).toEqual({ filter: 'info,node=debug', default: before })

  // A member that is gone is seen to be, on the page and on the map.
  city.tell('stop water')
  const water = engineer.page.getByRole('row', { name: /Water company/ })
  await water.getByText('not heard').waitFor()
  await engineer.see('engine-one-gone')
  await engineer.go('/network')
  await engineer.page.locator('.network-map .link.down').waitFor({ state: 'attached' })
  await engineer.see('map-one-gone')
  city.tell('start water')
  await engineer.page.locator('.network-map .link.down').waitFor({ state: 'detached' })
  await whole()
})

test('members vote on who is a member', async ({ onTestFailed }) => {
  onTestFailed(pictures)
  const registrar = await sits('bank_c', 'operator', 'en')
  await registrar.signInAsOperator(city.operator('bank_c'))
  await registrar.go('/members')
  await registrar.page.getByText('Nothing is under vote').waitFor()
  await registrar.see('members-none')

  const propose = registrar.button('提出变更', 'Propose a change')
  await propose.click()
  await registrar.box('移出成员', 'Remove a member').check()
  await registrar.button('核对…', 'Review…').click()
  await registrar.page.getByText('Choose a member').waitFor()
  await registrar.field('哪个成员', 'Which member').selectOption('telecom_b')
  await registrar.see('propose-removal', false)
  await registrar.button('核对…', 'Review…').click()
  await registrar.see('propose-sure', false)
  await registrar.page.getByTestId('membership').click()
  const removal = registrar.page.locator('main .card', { hasText: 'telecom_b leaves' })
  await removal.waitFor()

  // A card is refused while it does not fit, and looked at before it goes.
  await propose.click()
  const card = city.file('telecom_b', 'card.json')
  await registrar.box('接纳成员', 'Admit a member').check()
  await registrar.field('名片', 'Card').fill(card)
  await registrar.page.getByText('telecom_b is a member; choose a new card instead').waitFor()
  await registrar.box('更换名片', 'new card').check()
  await registrar.page.locator('dialog .fingerprint').waitFor()
  await registrar.see('propose-card', false)
  await registrar.button('核对…', 'Review…').click()
  await registrar.page.getByTestId('membership').click()
  const renewal = registrar.page.locator('main .card', { hasText: 'new keys or addresses for telecom_b' })
  await renewal.waitFor()
  await renewal.getByRole('button', { name: 'Against it…' }).click()
  await registrar.page.getByTestId('membership').click()
  await renewal.getByText('This institution is against it').waitFor()
  await removal.getByRole('button', { name: 'For it…' }).click()
  await registrar.see('vote-sure', false)
  await registrar.page.getByTestId('membership').click()
  await removal.getByText('1 for it, 7 needed').waitFor()

  // The others vote at their own nodes; what they said is seen here.
  const open = (await (await asked('bank_c', '/v1/proposals')).json()) as { proposal: string; text_en: string }[]
  const leaves = open.find((one) => one.text_en.includes('leaves'))?.proposal ?? ''
  for (const member of ['police', 'procuratorate', 'bank_a', 'bank_b', 'telecom_a']) {
    const body = JSON.stringify({ change: 'vote', proposal: leaves, yes: true })
    await expect
      .poll(async () => (await asked(member, '/v1/membership', { method: 'POST', body })).status, { timeout: 30_000 })
      .toBe(200)
  }
  await removal.getByText('6 for it, 7 needed').waitFor()
  await registrar.see('members-voted')
  const last = await sits('bank_d', 'operator', 'zh')
  await last.signInAsOperator(city.operator('bank_d'))
  await last.go('/members')
  const there = last.page.locator('main .card', { hasText: 'telecom_b 退出' })
  await there.getByText('还差 1 票').waitFor()
  await last.see('members')
  await there.getByRole('button', { name: '赞成…' }).click()
  await last.page.getByTestId('membership').click()
  await there.waitFor({ state: 'detached' })
  await removal.waitFor({ state: 'detached' })
  await registrar.go('/network')
  await registrar.page.getByRole('row', { name: /Water company/ }).waitFor()
  await expect
    .poll(() => registrar.page.getByRole('row', { name: /Telecom operator B/ }).count(), { timeout: 20_000 })
    .toBe(0)
  await whole()
})
