import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  ApiFailure,
  call,
  get,
  isErrorBody,
  onSignedOut,
  setOperatorToken,
  setPageToken,
  withQuery,
} from '../src/api/client'
import { listen } from '../src/api/events'

const refusal = { family: 'refusal', rule: 'scope', detail: 'more hops', advice: null, retry: false, record: 'ab' }
const answer = (status: number, body: unknown) =>
  new Response(typeof body === 'string' ? body : JSON.stringify(body), { status })

afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
  setPageToken(null)
  setOperatorToken(null)
})

describe('the client', () => {
  test('gives the JSON and sends the page token, never an operator’s beside it', async () => {
    const fetch = vi.fn().mockImplementation(async () => answer(200, { ok: 1 }))
    vi.stubGlobal('fetch', fetch)
    setPageToken('t'.repeat(64))
    expect(await get('/v1/x')).toEqual({ ok: 1 })
    const headers = fetch.mock.calls[0]?.[1].headers as Headers
    expect(headers.get('Cordon-Page')).toBe('t'.repeat(64))
    setOperatorToken('o'.repeat(64))
    await get('/v1/x')
    const second = fetch.mock.calls[1]?.[1].headers as Headers
    expect(second.get('Cordon-Page')).toBeNull()
    expect(second.get('Authorization')).toBe(`Cordon-Operator ${'o'.repeat(64)}`)
  })
  test('a refusal keeps its rule and record', async () => {
    vi.stubGlobal('fetch', async () => answer(403, refusal))
    const failure = await get('/v1/x').catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(ApiFailure)
    expect((failure as ApiFailure).body).toEqual(refusal)
  })
  test('an answer that is no JSON error still says its status', async () => {
    vi.stubGlobal('fetch', async () => answer(413, 'too large'))
    const failure = (await get('/v1/x').catch((error: unknown) => error)) as ApiFailure
    expect([failure.rule, failure.message, failure.body.retry]).toEqual(['http-413', 'too large', false])
  })
  test('a node that is away is trouble that may be tried again', async () => {
    vi.stubGlobal('fetch', async () => Promise.reject(new TypeError('refused')))
    const failure = (await get('/v1/x').catch((error: unknown) => error)) as ApiFailure
    expect([failure.offline, failure.rule, failure.body.retry]).toEqual([true, 'unreachable', true])
  })
  test('a node that does not answer is given up', async () => {
    vi.stubGlobal(
      'fetch',
      (_: string, init: RequestInit) =>
        new Promise((_done, fail) => init.signal?.addEventListener('abort', () => fail(new Error('aborted')))),
    )
    const failure = (await call('/v1/x', { limitMs: 20 }).catch((error: unknown) => error)) as ApiFailure
    expect([failure.rule, failure.offline]).toEqual(['timeout', true])
  })
  test('whoever aborts gets their own abort back', async () => {
    vi.stubGlobal(
      'fetch',
      (_: string, init: RequestInit) =>
        new Promise((_done, fail) =>
          init.signal?.addEventListener('abort', () => fail(new DOMException('x', 'AbortError'))),
        ),
    )
    const abort = new AbortController()
    const pending = get('/v1/x', abort.signal).catch((error: unknown) => error)
    abort.abort()
    expect(await pending).toBeInstanceOf(DOMException)
  })
  test('401 tells the page, but not a failed sign-in', async () => {
    const told = vi.fn()
    const end = onSignedOut(told)
    vi.stubGlobal('fetch', async () => answer(401, { ...refusal, rule: 'unauthenticated' }))
    await get('/v1/session/finish').catch(() => undefined)
    expect(told).not.toHaveBeenCalled()
    await get('/v1/cases').catch(() => undefined)
    expect(told).toHaveBeenCalledOnce()
    end()
  })
  test('what is no error body is not taken for one', () => {
    expect([null, 3, {}, { rule: 1, detail: '' }].some(isErrorBody)).toBe(false)
  })
  test('empty filters stay out of the query', () => {
    expect(withQuery('/a', { q: '张 三', from_ms: null, kind: '', limit: 5 })).toBe('/a?q=%E5%BC%A0+%E4%B8%89&limit=5')
    expect(withQuery('/a', {})).toBe('/a')
  })
})

class Source {
  static made: Source[] = []
  readyState = 1
  onopen: (() => void) | null = null
  onerror: (() => void) | null = null
  heard = new Map<string, (message: { data: string }) => void>()
  closed = false
  constructor() {
    Source.made.push(this)
  }
  addEventListener(name: string, tell: (message: { data: string }) => void) {
    this.heard.set(name, tell)
  }
  close() {
    this.closed = true
  }
}

describe('events', () => {
  test('are told by name; nonsense is passed over; a stream closed for good is opened anew', () => {
    vi.useFakeTimers()
    Source.made = []
    const inbox = vi.fn()
    const live = vi.fn()
    const end = listen({ inbox, live }, () => new Source() as unknown as EventSource)
    const first = Source.made[0]
    first?.onopen?.()
    first?.heard.get('inbox')?.({ data: '{"drafts":1}' })
    first?.heard.get('inbox')?.({ data: 'not json' })
    expect(inbox).toHaveBeenCalledTimes(1)
    first?.onerror?.()
    vi.advanceTimersByTime(60_000)
    expect(Source.made).toHaveLength(1)
    if (first) first.readyState = 2
    first?.onerror?.()
    vi.advanceTimersByTime(1_000)
    expect(Source.made).toHaveLength(2)
    expect(live.mock.calls.map(([up]) => up)).toEqual([true, false, false])
    end()
    expect(Source.made[1]?.closed).toBe(true)
  })
})
