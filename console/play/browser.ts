/** Debian's Chromium with a passkey of its own in each context. */
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import AxeSource from 'axe-core'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

const PROGRAMS = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser']
export const SHOTS = fileURLToPath(new URL('../shots/', import.meta.url))

export function launch(): Promise<Browser> {
  const program = PROGRAMS.find((path) => path && existsSync(path))
  if (!program) throw new Error('no Chromium here: apt-get install -y chromium')
  return chromium.launch({
    executablePath: program,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

export interface Seat {
  context: BrowserContext
  page: Page
  /** What the page said on its console as errors, and requests beyond the node. */
  complaints: string[]
}

export type Lang = 'zh' | 'en'
export type Theme = 'light' | 'dark'

/** A person at a browser: a context with a virtual authenticator. */
export async function sit(
  browser: Browser,
  origin: string,
  lang: Lang,
  theme: Theme = 'light',
  key?: Passkey,
): Promise<Seat> {
  const context = await browser.newContext({
    viewport: { width: 1360, height: 900 },
    locale: lang === 'zh' ? 'zh-CN' : 'en-GB',
    colorScheme: theme,
    timezoneId: 'Asia/Shanghai',
    reducedMotion: 'reduce',
    acceptDownloads: true,
  })
  return sitBeside(context, origin, key)
}

/** Another page of a context, with an authenticator of its own. */
export async function sitBeside(context: BrowserContext, origin: string, key?: Passkey): Promise<Seat> {
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() !== 'error') return
    // What a refusal answers with is shown on the page; the browser notes it too.
    if (/Failed to load resource/.test(message.text())) return
    complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(origin) && !/^(data|blob):/.test(url)) complaints.push(`beyond the node: ${url}`)
  })
  const session = await context.newCDPSession(page)
  await session.send('WebAuthn.enable', { enableUI: false })
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  if (key)
    await session.send('WebAuthn.addCredential', {
      authenticatorId,
      credential: { isResidentCredential: true, rpId: 'localhost', signCount: 0, ...key },
    })
  return { context, page, complaints }
}

export interface Passkey {
  credentialId: string
  privateKey: string
  userHandle: string
}

/** Every violation of WCAG 2.2 A and AA that axe finds on the page as it stands; of
 * its colours alone, where the rest was looked at in another theme. */
export async function axe(page: Page, colours = false): Promise<string[]> {
  const present = await page.evaluate(() => 'axe' in window)
  // Through the debugger, not as a script element: the page's policy stays as it is.
  if (!present) await page.evaluate(AxeSource.source)
  return page.evaluate(
    async (rules) => {
      const run = (
        window as unknown as {
          axe: {
            run: (
              root: Document,
              options: unknown,
            ) => Promise<{
              violations: { id: string; help: string; nodes: { target: unknown[]; failureSummary?: string }[] }[]
            }>
          }
        }
      ).axe
      const found = await run.run(document, {
        runOnly: rules
          ? { type: 'rule', values: rules }
          : ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
      })
      return found.violations.flatMap((violation) =>
        violation.nodes.map(
          (node) => `${violation.id}: ${node.target.join(' ')}: ${node.failureSummary ?? violation.help}`,
        ),
      )
    },
    colours ? ['color-contrast', 'link-in-text-block'] : null,
  )
}

/** Keeps a picture of the page as a person sees it. */
export async function shot(page: Page, name: string, full = true): Promise<void> {
  await mkdir(SHOTS, { recursive: true })
  if (full) await page.evaluate(() => window.scrollTo(0, 0))
  await page.screenshot({ path: `${SHOTS}${name}.png`, fullPage: full })
}

/** Whether the page is wider than its window: something sticks out. */
export function sticksOut(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth
    if (document.documentElement.scrollWidth <= width) return []
    const beyond = [...document.querySelectorAll('body *')]
      .filter(
        (element) =>
          element.getBoundingClientRect().right > width + 1 && !element.closest('.table-wrap, .tabs, .lines, dialog'),
      )
      .slice(0, 5)
      .map((element) => `${element.tagName}.${element.className}`)
    return beyond.length > 0 ? beyond : [`something, by ${document.documentElement.scrollWidth - width} px`]
  })
}
