/** The pages' chunks: loaded when a page is first opened, and all of them in a
 * quiet moment after sign-in, so that a node that goes away takes no page along. */
import type { ComponentType } from 'react'

export const chunks = {
  home: () => import('../pages/home'),
  cases: () => import('../pages/cases'),
  draft: () => import('../pages/draft'),
  warrant: () => import('../pages/warrant'),
  ask: () => import('../pages/ask'),
  question: () => import('../pages/question'),
  answer: () => import('../pages/answer'),
  inbox: () => import('../pages/inbox'),
  decide: () => import('../pages/decide'),
  rules: () => import('../pages/rules'),
  datasets: () => import('../pages/datasets'),
  dataset: () => import('../pages/dataset'),
  datasetNew: () => import('../pages/dataset-new'),
  oversight: () => import('../pages/oversight'),
  statistics: () => import('../pages/statistics'),
  verify: () => import('../pages/verify'),
  engine: () => import('../pages/engine'),
  officers: () => import('../pages/officers'),
  members: () => import('../pages/members'),
  stage: () => import('../pages/stage'),
  tour: () => import('../pages/tour'),
}
export type Chunk = keyof typeof chunks

const loaded = new Map<Chunk, Record<string, unknown>>()

/** A page of a chunk that is here already. */
export const pageOf = (chunk: Chunk, name: string): ComponentType | null =>
  (loaded.get(chunk)?.[name] as ComponentType | undefined) ?? null

export async function load(chunk: Chunk): Promise<void> {
  if (!loaded.has(chunk)) loaded.set(chunk, await chunks[chunk]())
}

/** Longest that the quiet moment is waited for. */
const QUIET_MS_MAX = 3_000

/** Loads what is not here yet, one after another; gives a way to stop. */
export function loadAllQuietly(): () => void {
  let ended = false
  const all = async () => {
    for (const chunk of Object.keys(chunks) as Chunk[]) {
      if (ended) return
      // A page that does not come now is asked for again when it is opened.
      await load(chunk).catch(() => undefined)
    }
  }
  const handle = requestIdleCallback(() => void all(), { timeout: QUIET_MS_MAX })
  return () => {
    ended = true
    cancelIdleCallback(handle)
  }
}
