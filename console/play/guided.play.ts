/** The demonstration as it opens on a terminal: the stage with a seat for everybody,
 * and the guide that leads a judge, a bank and an investigator over the live pages. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { axe, type Lang, launch, type Seat, shot, sit, sticksOut } from './browser'
import { type Network, network } from './network'

let browser: Browser
let city: Network

beforeAll(async () => {
  browser = await launch()
  city = await network(300, 'guided')
})
afterAll(async () => {
  await browser?.close()
  await city?.close()
})

const faults: string[] = []
const look = async (seat: Seat, name: string) => {
  faults.push(...(await axe(seat.page)).map((what) => `${name}: ${what}`))
  faults.push(...(await sticksOut(seat.page)).map((what) => `${name} sticks out: ${what}`))
  await shot(seat.page, `guided-${name}`)
}

const link = () => {
  if (!city.link || !city.left) throw new Error('the demonstration gave no link')
  return { stage: city.link, left: city.left }
}

test('the stage offers every seat, wide and narrow, light and dark, in both languages', async () => {
  for (const [lang, theme, width] of [
    ['zh', 'light', 1360],
    ['en', 'dark', 1360],
    ['zh', 'dark', 390],
    ['en', 'light', 390],
  ] as const) {
    const origin = new URL(link().stage).origin
    const seat = await sit(browser, origin, lang, theme)
    await seat.page.setViewportSize({ width, height: 900 })
    await seat.page.goto(link().stage)
    await seat.page.locator('.stage-seats').first().waitFor()
    // Everybody of the case, and the way to the operator's.
    expect(await seat.page.locator('.stage-seats a.button').count()).toBe(city.seats.length + 1)
    await look(seat, `stage-${lang}-${theme}-${width}`)
    if (width === 1360 && lang === 'en') {
      const [popup] = await Promise.all([
        seat.context.waitForEvent('page'),
        seat.page.getByRole('link', { name: /seat of judge/ }).click(),
      ])
      expect(popup.url()).toBe(`${seatOf('judge', 'procuratorate').link}?guide=1`)
    }
    expect(seat.complaints).toEqual([])
    await seat.context.close()
  }
  const broken = await sit(browser, new URL(link().stage).origin, 'en')
  await broken.page.goto(link().stage.slice(0, -40))
  await broken.page.getByText('The link is not whole').waitFor()
  await look(broken, 'stage-broken')
  await broken.context.close()
})

function seatOf(duty: string, institution: string) {
  const found = city.seats.find((seat) => seat.institution === institution && seat.duties.includes(duty))
  if (!found) throw new Error(`no ${duty} of ${institution}`)
  return found
}

/** Takes a seat as the stage's link leads: passkey, sign-in, the guide's first step. */
async function take(duty: string, institution: string, lang: Lang): Promise<Seat> {
  const who = seatOf(duty, institution)
  const seat = await sit(browser, who.origin, lang)
  const { page } = seat
  page.setDefaultTimeout(40_000)
  await page.goto(`${who.link}?guide=1`)
  const say = (zh: string, en: string) => (lang === 'zh' ? zh : en)
  await page.getByRole('button', { name: say('创建通行密钥', 'Create the passkey') }).click()
  await page.getByRole('link', { name: say('前往登录', 'Go to sign-in') }).click()
  await page.getByRole('button', { name: say('使用通行密钥登录', 'Sign in with passkey') }).click()
  await page.locator('.guide').waitFor()
  await look(seat, `tour-${duty}-${lang}`)
  return seat
}

const pictures = (seat: Seat) => () => shot(seat.page, 'failed-guided').catch(() => undefined)
const go = (seat: Seat, lang: Lang) =>
  seat.page
    .locator('.guide')
    .getByRole('link', { name: lang === 'zh' ? '带我去' : 'Take me there' })
    .click()
const next = (seat: Seat, lang: Lang) =>
  seat.page
    .locator('.guide')
    .getByRole('button', { name: lang === 'zh' ? '下一步' : 'Next step' })
    .click()
const done = (seat: Seat, lang: Lang) =>
  seat.page
    .locator('.guide')
    .getByText(lang === 'zh' ? '已完成' : 'Done')
    .waitFor()
async function sign(seat: Seat): Promise<void> {
  const button = seat.page.getByTestId('sign')
  await button.click()
  await button.waitFor({ state: 'detached' })
}

test('the guide leads a judge through the second draft', async ({ onTestFailed }) => {
  const judge = await take('judge', 'procuratorate', 'en')
  onTestFailed(pictures(judge))
  await go(judge, 'en')
  await judge.page
    .getByRole('heading', { name: /fraud-1/ })
    .first()
    .waitFor()
  await judge.page.getByText(/Runs/).first().waitFor()
  await judge.page.getByLabel('Hops (asked 4)').fill('3')
  await judge.page.getByLabel('Reason').fill('one hop fewer is enough')
  await look(judge, 'judge-decides')
  await judge.page
    .getByRole('button', { name: /^Narrow and issue/ })
    .first()
    .click()
  await sign(judge)
  await done(judge, 'en')
  await next(judge, 'en')
  await go(judge, 'en')
  await look(judge, 'judge-docket')
  expect(judge.complaints).toEqual([])
  await judge.context.close()
})

test('the guide leads a bank to its question, and an investigator to answer and progress', async () => {
  const investigator = await take('investigator', 'police', 'zh')
  await go(investigator, 'zh')
  await investigator.page
    .getByRole('button', { name: /^开启答案/ })
    .first()
    .click()
  await sign(investigator)
  await done(investigator, 'zh')
  await next(investigator, 'zh')
  await go(investigator, 'zh')
  await investigator.page.locator('table').first().waitFor()
  await look(investigator, 'investigator-answer')
  const bank = await take('approver', link().left.undecided, 'zh')
  await go(bank, 'zh')
  await look(bank, 'bank-question')
  await bank.page.getByRole('button', { name: /^同意/ }).first().click()
  await sign(bank)
  await done(bank, 'zh')
  await next(investigator, 'zh')
  await done(investigator, 'zh')
  await look(investigator, 'investigator-next')
  for (const seat of [investigator, bank]) {
    expect(seat.complaints).toEqual([])
    await seat.context.close()
  }
})

test('nothing sticks out, and axe finds nothing', () => {
  expect(faults).toEqual([])
})
