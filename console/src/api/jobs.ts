/** Jobs of this node's tables: what is under way, and how the last one ended. */
import { useEffect } from 'react'
import { has, isOperator, useSession } from '../app/session'
import { useGet, useStale } from './queries'
import type { JobView } from './types'

const WATCH_MS = 800

/** The newest job of each table, by the table's name; none for who may not see jobs. */
export function useJobs(): ReadonlyMap<string, JobView> {
  const session = useSession()
  const stale = useStale()
  const may = has(session, 'steward') || isOperator(session)
  const { data } = useGet<JobView[]>(may ? '/v1/jobs' : null, {
    // Operators hear no events.
    refetchInterval: (query) => (query.state.data?.some((job) => job.phase === 'running') ? WATCH_MS : false),
  })
  const ended = data?.filter((job) => job.phase !== 'running').length ?? 0
  useEffect(() => {
    if (ended > 0) stale('/v1/datasets')
  }, [ended])
  // The newest stands first: what is set last is the newest.
  return new Map([...(data ?? [])].reverse().map((job) => [job.dataset ?? '', job]))
}
