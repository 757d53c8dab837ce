/** Somebody at the console: a page in a browser of their own, and what they see. */
import { existsSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { axe, type Lang, type Seat, shot, sit, sitBeside, sticksOut, type Theme } from './browser'

const DIST = fileURLToPath(new URL('../dist/', import.meta.url))
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}
/** Longest that anything may take to be seen. */
const LATER_MS = 40_000

/** Shows the pages of `dist` instead of those inside the binary, so that changed
 * pages meet real nodes without a new build of those; the node's headers stay. */
export async function freshPages(context: BrowserContext, origin: string): Promise<void> {
  await context.route(`${origin}/**`, async (route) => {
    const { pathname } = new URL(route.request().url())
    const file = join(DIST, pathname === '/' ? 'index.html' : pathname)
    if (pathname.startsWith('/v1/') || !file.startsWith(DIST) || !existsSync(file)) return route.fallback()
    try {
      const answer = await route.fetch({ url: `${origin}/` })
      const { 'content-encoding': _, 'content-length': __, ...headers } = answer.headers()
      const type = TYPES[extname(file)] ?? 'application/octet-stream'
      await route.fulfill({ status: 200, headers: { ...headers, 'content-type': type }, body: readFileSync(file) })
    } catch {
      await route.abort('connectionrefused').catch(() => undefined)
    }
  })
}

const signed = new Set<string>()

export interface Place {
  institution: string
  officer: string
  origin: string
}

export class Person {
  constructor(
    readonly seat: Seat,
    readonly who: Place,
    readonly lang: Lang,
    /** What axe and the eye of the play found wrong; a play ends with none. */
    readonly faults: string[],
    /** What pictures are named after. */
    readonly play: string,
  ) {
    seat.page.setDefaultTimeout(LATER_MS)
  }
  get page(): Page {
    return this.seat.page
  }
  get complaints(): string[] {
    return this.seat.complaints
  }
  /** Text in this person's language. */
  t(zh: string, en: string): string {
    return this.lang === 'zh' ? zh : en
  }
  async go(hash: string): Promise<void> {
    await this.page.evaluate((to) => {
      location.hash = to
    }, `#${hash}`)
  }
  button(zh: string, en: string) {
    return this.page.getByRole('button', { name: this.t(zh, en) }).first()
  }
  field(zh: string, en: string) {
    return this.page.getByLabel(this.t(zh, en), { exact: true })
  }
  box(zh: string, en: string) {
    return this.page.locator('label.pick', { hasText: this.t(zh, en) }).locator('input')
  }
  /** Signs what the dialog shows; it goes when the record is final. */
  async sign(): Promise<void> {
    const button = this.page.getByTestId('sign')
    await button.waitFor()
    // Each act's dialog is looked at once a language.
    const dialog = `${this.play}/${this.lang}/${await this.page.locator('dialog[open] h2').innerText()}`
    if (!signed.has(dialog)) await this.look('sign', false)
    signed.add(dialog)
    await button.click()
    await button.waitFor({ state: 'detached' })
    // A failure stays in the dialog.
    const failed = this.page.locator('dialog [role="alert"]')
    if (await failed.count()) throw new Error(`not signed: ${await failed.innerText()}`)
  }
  async look(name: string, full = true, colours = false): Promise<void> {
    this.faults.push(...(await axe(this.page, colours)).map((what) => `${name} (${this.lang}): ${what}`))
    await shot(this.page, `${this.play}-${name}-${this.who.institution}-${this.lang}`, full)
  }
  /** Looks at a page in both themes, and whether something sticks out. */
  async see(name: string, full = true): Promise<void> {
    for (const theme of ['light', 'dark'] as Theme[]) {
      await this.page.emulateMedia({ colorScheme: theme })
      await this.page.waitForFunction(
        (wanted) => document.documentElement.dataset['theme'] === wanted && document.getAnimations().length === 0,
        theme,
      )
      await this.look(`${name}-${theme}`, full, theme === 'dark')
    }
    await this.page.emulateMedia({ colorScheme: 'light' })
    this.faults.push(...(await sticksOut(this.page)).map((what) => `${name}: sticks out: ${what}`))
  }
  async signIn(): Promise<void> {
    await this.page.goto(this.who.origin)
    await this.button('使用通行密钥登录', 'Sign in with passkey').click()
    await this.page.locator('.shell').waitFor()
  }
  async signInAsOperator(token: string): Promise<void> {
    await this.page.goto(this.who.origin)
    await this.page.locator('summary').click()
    await this.field('运维令牌', 'Operator’s token').fill(token)
    await this.page.getByRole('button', { name: this.t('登录', 'Sign in'), exact: true }).click()
    await this.page.locator('.shell').waitFor()
  }
  /** Opens an invitation and makes the passkey; gives the fingerprint on the screen. */
  async enrol(link: string): Promise<string> {
    await this.page.goto('about:blank')
    await this.page.goto(link)
    await this.button('创建通行密钥', 'Create the passkey').click()
    const fingerprint = this.page.getByTestId('fingerprint')
    await fingerprint.waitFor()
    return (await fingerprint.innerText()).trim()
  }
}

export interface Sitting {
  browser: Browser
  lang: Lang
  faults: string[]
  play: string
  /** A context that is there already, to sit in beside others. */
  beside?: BrowserContext | undefined
}

/** Seats somebody at a browser in the given language; nobody is signed in yet. */
export async function person(who: Place, { browser, lang, faults, play, beside }: Sitting): Promise<Person> {
  const seat = beside ? await sitBeside(beside, who.origin) : await sit(browser, who.origin, lang)
  if (process.env['FRESH_PAGES']) await freshPages(seat.context, who.origin)
  await seat.page.goto(who.origin)
  await seat.page.evaluate((to) => localStorage.setItem('cordon.lang', to), lang)
  await seat.page.goto('about:blank')
  return new Person(seat, who, lang, faults, play)
}
