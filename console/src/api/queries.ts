/** Server state: which paths are read, and what an event makes stale.
 *
 * A read that leaves a record on the ledger happens when a person opens
 * something, never by a timer or an event: see `useRecordedGet`, and `useOrder`
 * for what has not come yet.
 */
import { QueryClient, useQuery, useQueryClient, type UseQueryOptions } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { ApiFailure, get } from './client'
import { listen, type RunEvent } from './events'
import type { WarrantView } from './types'

/** How often what is on its way to this node is looked for. */
const COMING_MS = 1_000

export function newQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 15_000,
        refetchOnWindowFocus: false,
        retry: (count, error) => count < 2 && error instanceof ApiFailure && error.body.retry && !error.signedOut,
        retryDelay: (count) => 800 * 2 ** count,
        networkMode: 'always',
      },
      mutations: { networkMode: 'always' },
    },
  })
}

type More<T> = Partial<Omit<UseQueryOptions<T>, 'queryKey' | 'queryFn'>>

export function useGet<T>(path: string | null, more: More<T> = {}) {
  return useQuery<T>({
    queryKey: [path ?? ''],
    queryFn: ({ signal }) => get<T>(path ?? '', signal),
    enabled: path !== null,
    ...more,
  })
}

/** A read that leaves `consulted` on the ledger: once a visit. */
export function useRecordedGet<T>(path: string | null, more: More<T> = {}) {
  return useQuery<T>({
    queryKey: ['recorded', path ?? ''],
    queryFn: ({ signal }) => get<T>(path ?? '', signal),
    enabled: path !== null,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnReconnect: false,
    refetchOnMount: false,
    retry: (count, error) => count < 8 && error instanceof ApiFailure && error.rule === 'body-missing',
    ...more,
  })
}

/** A warrant as a person opened it; asked again while its subjects are on their
 * way, which leaves no record until they are here and read. */
export function useOrder(warrant: string | null) {
  return useRecordedGet<WarrantView>(warrant && `/v1/warrants/${warrant}`, {
    refetchInterval: ({ state }) => (state.data?.subjects_coming ? COMING_MS : false),
  })
}

export function useStale() {
  const queries = useQueryClient()
  return (...paths: string[]) => {
    void queries.invalidateQueries({
      predicate: ({ queryKey }) =>
        queryKey[0] !== 'recorded' && paths.some((path) => String(queryKey[0]).startsWith(path)),
    })
  }
}

const runs = new Map<string, RunEvent>()
const runTold = new Set<() => void>()

/** The last that was heard of a run. */
export function useRun(question: string): RunEvent | undefined {
  const [run, setRun] = useState(() => runs.get(question))
  useEffect(() => {
    const tell = () => setRun(runs.get(question))
    tell()
    runTold.add(tell)
    return () => {
      runTold.delete(tell)
    }
  }, [question])
  return run
}

/** Keeps open pages in step with the node; gives whether the stream stands. */
export function useLive(signedIn: boolean): boolean {
  const stale = useStale()
  const [live, setLive] = useState(true)
  useEffect(() => {
    if (!signedIn) return
    let boot: string | null = null
    let members: number | null = null
    const all = () => stale('/v1/')
    return listen({
      live: setLive,
      // A read with the page's token tells whether somebody is still signed in.
      refused: () => void get('/v1/templates').catch(() => undefined),
      hello: (event) => {
        if (boot !== null && boot !== event.boot) all()
        boot = event.boot
      },
      reset: all,
      inbox: () => stale('/v1/inbox', '/v1/cases'),
      warrant: () => stale('/v1/cases', '/v1/inbox', '/v1/questions', '/v1/oversight'),
      body: () => stale('/v1/cases', '/v1/inbox', '/v1/questions'),
      question: () => stale('/v1/cases', '/v1/inbox', '/v1/questions'),
      run: (event) => {
        runs.set(event.question, event)
        if (runs.size > 64) runs.delete(runs.keys().next().value ?? '')
        runTold.forEach((tell) => tell())
      },
      job: () => stale('/v1/jobs', '/v1/datasets'),
      ledger: (event) => {
        stale('/v1/status', '/v1/engine', '/v1/proposals')
        if (members !== null && members !== event.members) stale('/v1/network')
        members = event.members
      },
      rules: () => stale('/v1/rules'),
      members: () => stale('/v1/network', '/v1/passkeys', '/v1/proposals'),
    })
    // `stale` only closes over the query client, which lives as long as the page.
  }, [signedIn])
  return live
}
