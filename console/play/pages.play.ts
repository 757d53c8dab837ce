/** Every page in every state: axe finds nothing, nothing sticks out, and there is a picture. */
import { generateKeyPairSync } from 'node:crypto'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { axe, type Lang, launch, type Passkey, shot, sit, sticksOut, type Theme } from './browser'
import { type FixtureNode, fixtureNode } from './fixture-node'
import { IDS, network, session } from './fixtures'

let browser: Browser
let node: FixtureNode
const key: Passkey = {
  credentialId: Buffer.from('fixture-credential').toString('base64'),
  privateKey: generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .privateKey.export({ type: 'pkcs8', format: 'der' })
    .toString('base64'),
  userHandle: Buffer.from('fixture').toString('base64'),
}

const WHO = {
  investigator: session(['investigator'], ['requester'], 'police', 'investigator-1'),
  judge: session(['judge'], ['authority', 'overseer'], 'procuratorate', 'judge-1'),
  custodian: session(['approver', 'steward'], ['custodian'], 'bank_c', 'approver-1'),
  overseer: session(['auditor'], ['authority', 'overseer'], 'procuratorate', 'auditor-1'),
  registrar: session(['registrar'], ['requester'], 'police', 'reg_2'),
}
type Who = keyof typeof WHO

interface View {
  name: string
  who: Who
  path: string
  act?: (page: Page) => Promise<void>
}
const click = (name: RegExp) => async (page: Page) => {
  await page.getByRole('button', { name }).first().click()
  await page.waitForTimeout(250)
}

const VIEWS: View[] = [
  { name: 'today', who: 'investigator', path: '/' },
  { name: 'cases', who: 'investigator', path: '/cases' },
  {
    name: 'draft',
    who: 'investigator',
    path: '/cases/new',
    act: async (page) => {
      await page.locator('textarea.mono').fill('13812345678\n110101199003070000\n13812345678\n6222021234567890128')
      await page.waitForTimeout(700)
    },
  },
  { name: 'calendar', who: 'investigator', path: '/cases/new', act: click(/打开日历|Open the calendar/) },
  { name: 'draft-wrong', who: 'investigator', path: '/cases/new', act: click(/核对并签名|Review and sign/) },
  {
    name: 'draft-scenes',
    who: 'investigator',
    path: '/cases/new',
    act: async (page) => {
      const box = page.locator('label.pick', { hasText: /哪些电话到过多个现场|Which phones were at several scenes/ })
      await box.locator('input').check()
      const scenes = page.locator('fieldset.scene')
      while ((await scenes.count()) < 2) await click(/添加现场|Add a scene/)(page)
      await scenes
        .first()
        .getByLabel(/基站小区|Cell/)
        .fill('4711')
      await scenes
        .first()
        .getByLabel(/何时起|From when/)
        .fill('2026-11-13 09:00')
      await scenes.last().locator('input[type=checkbox]').check()
      await click(/核对并签名|Review and sign/)(page)
      await scenes.first().scrollIntoViewIfNeeded()
    },
  },
  { name: 'warrant', who: 'investigator', path: `/cases/${IDS.W}` },
  {
    name: 'docket',
    who: 'investigator',
    path: `/cases/${IDS.W}`,
    act: async (page) => {
      await page.getByRole('tab', { name: /卷宗|Docket/ }).click()
      await click(/打开卷宗|Open the docket/)(page)
    },
  },
  { name: 'ask', who: 'investigator', path: `/cases/${IDS.W}/ask`, act: click(/查看方案|See the plan/) },
  {
    name: 'ask-joint',
    who: 'investigator',
    path: `/cases/${IDS.W}/ask`,
    act: async (page) => {
      await page
        .locator('label.pick', { hasText: /分组合计|Totals by group/ })
        .locator('input')
        .check()
      await page.getByLabel(/分组：|Groups:/).fill('7')
      await page
        .locator('label.pick', { hasText: /只要数量|Only the count/ })
        .locator('input')
        .check()
    },
  },
  { name: 'counted', who: 'investigator', path: `/questions/${IDS.counted}` },
  {
    name: 'joint-answer',
    who: 'investigator',
    path: `/questions/${IDS.joint}/answer`,
    act: click(/第 1 行的来源|Where row 1 comes from/),
  },
  { name: 'running', who: 'investigator', path: `/questions/${IDS.Q}` },
  {
    name: 'answer',
    who: 'investigator',
    path: `/questions/${IDS.done}/answer`,
    act: async (page) => {
      await page.locator('.chart[data-settled="true"]').waitFor()
      await page.locator('tbody tr.live').nth(2).click()
      await page.waitForTimeout(200)
    },
  },
  {
    name: 'provenance',
    who: 'investigator',
    path: `/questions/${IDS.done}/answer`,
    act: async (page) => {
      await page.locator('.chart[data-settled="true"]').waitFor()
      await click(/第 1 行的来源|Where row 1 comes from/)(page)
    },
  },
  { name: 'inbox', who: 'judge', path: '/inbox' },
  { name: 'decide', who: 'judge', path: `/inbox/draft/${IDS.drafted}` },
  { name: 'custody', who: 'custodian', path: `/questions/${IDS.open}` },
  { name: 'custodian-inbox', who: 'custodian', path: '/inbox' },
  { name: 'rules', who: 'custodian', path: '/rules' },
  { name: 'datasets', who: 'custodian', path: '/datasets' },
  { name: 'dataset', who: 'custodian', path: '/datasets/transfers', act: click(/拒收了哪些行|Which rows/) },
  {
    name: 'dataset-new',
    who: 'custodian',
    path: '/datasets/new',
    act: async (page) => {
      await page.getByLabel(/数据表名|Dataset’s name/).fill('transfers')
      await page.getByLabel(/文件路径|File or database/).fill('/data/transfers.parquet')
      await click(/看一眼来源|Look at the source/)(page)
    },
  },
  { name: 'oversight', who: 'overseer', path: '/oversight' },
  { name: 'records', who: 'overseer', path: '/oversight/records' },
  { name: 'statistics', who: 'overseer', path: '/oversight/statistics' },
  { name: 'alarms', who: 'overseer', path: '/oversight/alarms' },
  {
    name: 'verify',
    who: 'overseer',
    path: '/verify',
    act: async (page) => {
      await page
        .getByTestId('bundle')
        .setInputFiles({ name: 'case.cordon', mimeType: 'application/zip', buffer: Buffer.from('PK') })
      await page.getByTestId('invalid').waitFor()
    },
  },
  { name: 'officers', who: 'registrar', path: '/officers' },
  { name: 'members', who: 'registrar', path: '/members' },
  { name: 'vote', who: 'registrar', path: '/members', act: click(/反对…|Against it…/) },
  {
    name: 'propose',
    who: 'registrar',
    path: '/members',
    act: async (page) => {
      await click(/提出变更|Propose a change/)(page)
      const [member] = network
      const card = {
        institution: {
          id: 'police',
          name: member?.name,
          roles: ['requester'],
          node_key: 'ab12'.repeat(16),
          seal_key: 'cd34'.repeat(16),
          ledger_address: '10.1.0.2:7001',
          exchange_address: '10.1.0.2:7002',
        },
        signature: 'ef'.repeat(64),
      }
      await page
        .locator('label.pick', { hasText: /更换名片|new card/ })
        .locator('input')
        .check()
      await page.locator('dialog textarea').fill(JSON.stringify(card, null, 2))
      await page.locator('dialog .fingerprint').waitFor()
    },
  },
  { name: 'engine', who: 'registrar', path: '/engine' },
  { name: 'network', who: 'registrar', path: '/network' },
  { name: 'tour', who: 'investigator', path: '/tour' },
]

async function signedIn(who: Who, lang: Lang, theme: Theme) {
  node.who = WHO[who]
  const seat = await sit(browser, node.origin, lang, theme, key)
  await seat.page.goto(node.origin)
  await seat.page.getByRole('button', { name: /使用通行密钥登录|Sign in with passkey/ }).click()
  await seat.page.locator('.shell').waitFor()
  return seat
}

async function open(page: Page, view: View) {
  await page.evaluate((hash) => {
    location.hash = hash
  }, `#${view.path}`)
  await page.locator('#page-title, .notice').first().waitFor()
  await page
    .locator('.bones')
    .first()
    .waitFor({ state: 'detached', timeout: 5_000 })
    .catch(() => undefined)
  await page.waitForTimeout(150)
}

beforeAll(async () => {
  browser = await launch()
  node = await fixtureNode()
})
afterAll(async () => {
  await browser?.close()
  node?.close()
})

const only = process.env['VIEWS']?.split(',')
const LOOKS: { lang: Lang; theme: Theme; width: number; tag: string }[] = [
  { lang: 'zh', theme: 'light', width: 1360, tag: 'zh-light-wide' },
  { lang: 'en', theme: 'dark', width: 1360, tag: 'en-dark-wide' },
  { lang: 'en', theme: 'light', width: 390, tag: 'en-light-narrow' },
  { lang: 'zh', theme: 'dark', width: 390, tag: 'zh-dark-narrow' },
]
const looks = LOOKS.filter((look) => !process.env['LOOK'] || look.tag === process.env['LOOK'])

describe.each(looks)('$tag', ({ lang, theme, width, tag }) => {
  test.each(Object.keys(WHO) as Who[])('pages of the %s', async (who) => {
    const found: string[] = []
    const views = VIEWS.filter((view) => view.who === who && (!only || only.includes(view.name)))
    if (views.length === 0) return
    const seat = await signedIn(who, lang, theme)
    for (const view of views) {
      await seat.page.setViewportSize({ width, height: width < 500 ? 844 : 900 })
      node.mood = 'answers'
      await open(seat.page, { ...view, path: '/tour' })
      await open(seat.page, view)
      await view.act?.(seat.page)
      await shot(seat.page, `${view.name}-${tag}`)
      found.push(...(await axe(seat.page)).map((what) => `${view.name}: ${what}`))
      found.push(...(await sticksOut(seat.page)).map((what) => `${view.name}: sticks out: ${what}`))
      const drawer = seat.page.locator('dialog[open]')
      if (await drawer.count()) await seat.page.keyboard.press('Escape')
    }
    found.push(...seat.complaints.map((what) => `${who}: ${what}`))
    await seat.context.close()
    expect(found).toEqual([])
  })
})

/** Pages that read something say so when it is empty, fails, is slow or the node is away. */
const STATES = VIEWS.filter((view) => !view.act && !['tour', 'network'].includes(view.name))
describe.skipIf(only !== undefined || process.env['LOOK'] !== undefined)('states', () => {
  test.each(Object.keys(WHO) as Who[])('of the %s', async (who) => {
    const seat = await signedIn(who, who === 'judge' ? 'zh' : 'en', 'light')
    const { page } = seat
    const found: string[] = []
    for (const view of STATES.filter((one) => one.who === who)) {
      for (const mood of ['empty', 'fails', 'hangs'] as const) {
        await page.goto('about:blank')
        node.mood = 'answers'
        await page.goto(node.origin)
        // Before the sign-in, which no mood touches: nothing is read in between.
        node.mood = mood
        await page.getByRole('button', { name: /使用通行密钥登录|Sign in with passkey/ }).click()
        await page.locator('.shell').waitFor()
        await page.evaluate((hash) => {
          location.hash = hash
        }, `#${view.path}`)
        await page.waitForTimeout(400)
        if (mood === 'fails') await page.locator('main .notice').first().waitFor()
        if (mood === 'hangs') await page.locator('main .bones').first().waitFor()
        await shot(page, `state-${view.name}-${mood}`)
        found.push(...(await axe(page)).map((what) => `${view.name} ${mood}: ${what}`))
      }
    }
    await seat.context.close()
    expect(found).toEqual([])
  })
})

test('the sign-in page and enrolment', async () => {
  const found: string[] = []
  for (const [lang, theme, width] of [
    ['zh', 'light', 1360],
    ['en', 'dark', 390],
  ] as const) {
    const seat = await sit(browser, node.origin, lang, theme)
    await seat.page.setViewportSize({ width, height: 844 })
    node.mood = 'answers'
    await seat.page.goto(node.origin)
    await seat.page.locator('h1').waitFor()
    await shot(seat.page, `signin-${lang}-${theme}`)
    found.push(...(await axe(seat.page)))
    await seat.page.goto(`${node.origin}/#/enrol/${'a'.repeat(64)}`)
    await seat.page.getByText('inv_2').waitFor()
    await shot(seat.page, `enrol-${lang}-${theme}`)
    found.push(...(await axe(seat.page)))
    await seat.context.close()
  }
  expect(found).toEqual([])
})

test('a date is typed or chosen by keys alone, in the console’s language', async () => {
  const { page, context } = await signedIn('investigator', 'zh', 'light')
  await open(page, { name: 'draft', who: 'investigator', path: '/cases/new' })
  const from = page.getByLabel('从', { exact: true })
  await from.fill('2026年3月1日')
  await from.press('Tab')
  expect(await from.inputValue()).toBe('2026-03-01')
  await from.press('ArrowDown')
  await from.press('PageUp')
  expect(await from.inputValue()).toBe('2026-01-28')
  await from.fill('2026-02-30')
  await from.press('Tab')
  await page.getByText('请写成 2026-03-01 或 2026-03-01 09:30').waitFor()
  await from.fill('2026-03-01 9:30')
  await from.press('Tab')
  expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('打开日历')
  await page.keyboard.press('Enter')
  await page.getByText('2026年3月', { exact: true }).waitFor()
  await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('2026年3月1日')
  await page.keyboard.press('ArrowLeft')
  await page.getByText('2026年2月', { exact: true }).waitFor()
  await page.keyboard.press('Enter')
  await page.locator('.calendar').waitFor({ state: 'detached' })
  expect(await from.inputValue()).toBe('2026-02-28 09:30')
  expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('打开日历')
  await page.keyboard.press('Enter')
  await page.locator('.calendar').waitFor()
  await page.keyboard.press('Escape')
  await page.locator('.calendar').waitFor({ state: 'detached' })
  expect(await from.inputValue()).toBe('2026-02-28 09:30')
  await context.close()
})

test('subjects that are on their way are shown when they are here', async () => {
  const { page, context } = await signedIn('judge', 'en', 'light')
  node.mood = 'coming'
  await open(page, { name: 'decide', who: 'judge', path: `/inbox/draft/${IDS.drafted}` })
  await page.getByText('The subjects are on their way').waitFor()
  expect(await page.locator('.subject-list li').count()).toBe(0)
  node.mood = 'answers'
  await page.locator('.subject-list li').first().waitFor({ timeout: 5_000 })
  await context.close()
})
