/** A thin, typed client of the institution's own node.
 *
 * Invariants: the page token lives in this module's memory and nowhere else;
 * every request ends within its time limit; every failure is an `ApiFailure`.
 */
import type { ApiErrorBody } from './types'

/** Longest that a read may take. Reads that leave a record wait for the ledger. */
export const READ_MS_MAX = 30_000
/** Longest that an act may take: it ends when its record is final. */
export const ACT_MS_MAX = 90_000

let pageToken: string | null = null
let operatorToken: string | null = null
const gone = new Set<() => void>()

/** Keeps the page token of a sign-in; null forgets it. */
export function setPageToken(token: string | null): void {
  pageToken = token
}

/** Keeps an operator's token for this page's life; null forgets it. */
export function setOperatorToken(token: string | null): void {
  operatorToken = token
}

/** Calls back whenever the node says that nobody is signed in. */
export function onSignedOut(listener: () => void): () => void {
  gone.add(listener)
  return () => gone.delete(listener)
}

/** Why a request was not carried out. */
export class ApiFailure extends Error {
  readonly status: number
  readonly body: ApiErrorBody

  constructor(status: number, body: ApiErrorBody) {
    super(body.detail)
    this.name = 'ApiFailure'
    this.status = status
    this.body = body
  }

  get rule(): string {
    return this.body.rule
  }

  /** The node could not be reached at all. */
  get offline(): boolean {
    return this.rule === 'unreachable' || this.rule === 'timeout'
  }

  get signedOut(): boolean {
    return this.status === 401
  }
}

const trouble = (rule: string, detail: string, retry: boolean): ApiErrorBody => ({
  family: 'trouble',
  rule,
  detail,
  advice: null,
  retry,
  record: null,
})

/** The node could not be reached; what did not come was no answer of the API. */
export const unreachable = (): ApiFailure => new ApiFailure(0, trouble('unreachable', 'unreachable', true))

/** Whether a JSON value is the API's one error shape. */
export function isErrorBody(value: unknown): value is ApiErrorBody {
  if (typeof value !== 'object' || value === null) return false
  const fields = value as Record<string, unknown>
  return typeof fields['rule'] === 'string' && typeof fields['detail'] === 'string'
}

export interface Options {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  body?: unknown
  raw?: { bytes: Blob; type: string }
  signal?: AbortSignal | undefined
  limitMs?: number
}

async function failureOf(response: Response): Promise<ApiFailure> {
  const text = await response.text().catch(() => '')
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    parsed = null
  }
  if (isErrorBody(parsed)) return new ApiFailure(response.status, parsed)
  const retry = response.status === 502 || response.status === 503
  const detail = text.slice(0, 300) || `${response.status} ${response.statusText}`
  return new ApiFailure(response.status, trouble(`http-${response.status}`, detail, retry))
}

async function send(path: string, options: Options): Promise<Response> {
  const headers = new Headers({ Accept: 'application/json', 'X-Cordon': 'console' })
  if (operatorToken) headers.set('Authorization', `Cordon-Operator ${operatorToken}`)
  else if (pageToken) headers.set('Cordon-Page', pageToken)
  let body: BodyInit | undefined
  if (options.raw) {
    headers.set('Content-Type', options.raw.type)
    body = options.raw.bytes
  } else if (options.body !== undefined) {
    headers.set('Content-Type', 'application/json')
    body = JSON.stringify(options.body)
  }
  const limit = AbortSignal.timeout(options.limitMs ?? READ_MS_MAX)
  const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit
  let response: Response
  try {
    response = await fetch(path, {
      method: options.method ?? 'GET',
      headers,
      body: body ?? null,
      signal,
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'error',
    })
  } catch (error) {
    if (options.signal?.aborted) throw error
    const rule = limit.aborted ? 'timeout' : 'unreachable'
    throw new ApiFailure(0, trouble(rule, rule, true))
  }
  if (!response.ok) {
    const failure = await failureOf(response)
    if (failure.signedOut && !path.startsWith('/v1/session')) gone.forEach((tell) => tell())
    throw failure
  }
  return response
}

/** Asks for JSON. */
export async function call<T>(path: string, options: Options = {}): Promise<T> {
  const response = await send(path, options)
  if (response.status === 204) return undefined as T
  try {
    return (await response.json()) as T
  } catch {
    throw new ApiFailure(response.status, trouble('unreachable', 'the answer broke off', true))
  }
}

/** Asks for a file. */
export async function download(path: string, name: string): Promise<void> {
  const response = await send(path, { limitMs: ACT_MS_MAX })
  const blob = await response.blob()
  const url = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The browser reads the blob before the next task at the latest a moment on.
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

export const get = <T>(path: string, signal?: AbortSignal): Promise<T> => call<T>(path, { signal })
export const post = <T>(path: string, body: unknown, options: Options = {}): Promise<T> =>
  call<T>(path, { ...options, method: 'POST', body })

/** A path with its query; empty values are left out. */
export function withQuery(path: string, query: Record<string, string | number | null | undefined>): string {
  const pairs = Object.entries(query).filter(([, v]) => v !== '' && v !== null && v !== undefined)
  const search = new URLSearchParams(pairs.map(([k, v]) => [k, String(v)]))
  return pairs.length === 0 ? path : `${path}?${search.toString()}`
}

/** Longest that a sealed body is waited for, and the time between two looks. */
const BODY_WAIT_MS = 20_000
const BODY_LOOK_MS = 400

/** Asks again while what another institution sealed is on its way to this node. */
export async function whenHere<T>(ask: () => Promise<T>): Promise<T> {
  const until = Date.now() + BODY_WAIT_MS
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      const coming = error instanceof ApiFailure && error.rule === 'body-missing' && Date.now() < until
      if (!coming) throw error
      await new Promise((done) => setTimeout(done, BODY_LOOK_MS))
    }
  }
}
