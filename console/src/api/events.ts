/** The node's events, by which open pages learn that something changed.
 *
 * Events say what to fetch again; nothing is shown from them but progress.
 * EventSource reconnects by itself with the last event's id. Where the node
 * closed the stream for good (15 minutes, a restart), we open a new one.
 */
import type { RunParty } from './types'

export interface RunEvent {
  warrant: string
  question: string
  done: number
  doing: string
  step: number
  steps: number
  parties: RunParty[]
}
export interface LedgerEvent {
  height: number
  records: number
  heard: number
  members: number
  quorum: number
  syncing: boolean
  healthy: boolean
  finality_ms?: number | null
}
export interface CaseEvent {
  warrant: string
  question?: string | null
  phase?: string
  kind?: string
}
export interface JobEvent {
  job: string
  phase: string
  progress: number
  doing: string
  rows: number
}
export interface Heard {
  hello?: (event: { boot: string; institution: string }) => void
  reset?: () => void
  inbox?: () => void
  warrant?: (event: CaseEvent) => void
  /** A sealed part of a record has come to this node. */
  body?: (event: CaseEvent) => void
  question?: (event: CaseEvent) => void
  run?: (event: RunEvent) => void
  job?: (event: JobEvent) => void
  ledger?: (event: LedgerEvent) => void
  rules?: () => void
  members?: () => void
  /** Whether the stream stands. */
  live?: (live: boolean) => void
  /** The node answered with an error: the session may be gone. */
  refused?: () => void
}

const RETRY_MS_MIN = 1_000
const RETRY_MS_MAX = 30_000

/** Listens until the returned function is called. */
export function listen(heard: Heard, open = (path: string) => new EventSource(path)): () => void {
  let source: EventSource | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let wait = RETRY_MS_MIN
  let ended = false
  const names = [
    'hello',
    'reset',
    'inbox',
    'warrant',
    'body',
    'question',
    'run',
    'job',
    'ledger',
    'rules',
    'members',
  ] as const

  const start = () => {
    if (ended) return
    source = open('/v1/events')
    for (const name of names) {
      source.addEventListener(name, (message) => {
        const tell = heard[name] as ((event: unknown) => void) | undefined
        if (!tell) return
        try {
          tell(JSON.parse((message as MessageEvent<string>).data))
        } catch {
          // An event that does not parse says nothing; the next fetch will.
        }
      })
    }
    source.onopen = () => {
      wait = RETRY_MS_MIN
      heard.live?.(true)
    }
    source.onerror = () => {
      heard.live?.(false)
      // Left alone, EventSource tries again unless the node answered with an error.
      if (source?.readyState !== 2) return
      heard.refused?.()
      timer = setTimeout(start, wait)
      wait = Math.min(wait * 2, RETRY_MS_MAX)
    }
  }
  start()
  return () => {
    ended = true
    clearTimeout(timer)
    source?.close()
  }
}
