/** Who is signed in. Lives in memory: a reload asks for the passkey again. */
import { useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react'
import { call, onSignedOut, post, setOperatorToken, setPageToken } from '../api/client'
import type { Duty, Role, Session } from '../api/types'
import { forgetKept } from '../lib/kept'
import { assertion } from '../sign/passkey'

interface SessionState {
  session: Session | null
  /** Signed in before, but the node no longer knows the session. */
  lapsed: boolean
  signIn: () => Promise<void>
  signInAsOperator: (token: string) => Promise<void>
  signOut: () => Promise<void>
  /** An act was submitted: the session lives 15 minutes from now. */
  prolong: () => void
}

const Context = createContext<SessionState | null>(null)
const LIFE_MS = 15 * 60 * 1000

export function SessionProvider({ children }: { children: ReactNode }) {
  const [session, setSession] = useState<Session | null>(null)
  const [lapsed, setLapsed] = useState(false)
  const queries = useQueryClient()

  useEffect(() => onSignedOut(() => setLapsed(true)), [])

  const begin = useCallback(
    (next: Session) => {
      setSession((before) => {
        const other = before && (before.officer !== next.officer || before.institution !== next.institution)
        if (other) {
          // Another person's page: nothing of the one before stays.
          queries.clear()
          forgetKept()
        }
        return next
      })
      setLapsed(false)
    },
    [queries],
  )

  const signIn = useCallback(async () => {
    const asked = await post<{ id: string; publicKey: unknown }>('/v1/session/begin', {})
    const credential = await assertion(asked.publicKey)
    setOperatorToken(null)
    const next = await post<Session>('/v1/session/finish', { id: asked.id, credential })
    setPageToken(next.page ?? null)
    const { page: _, ...known } = next
    begin(known)
  }, [begin])

  const signInAsOperator = useCallback(
    async (token: string) => {
      setOperatorToken(token)
      try {
        begin(await call<Session>('/v1/session'))
      } catch (error) {
        setOperatorToken(null)
        throw error
      }
    },
    [begin],
  )

  const signOut = useCallback(async () => {
    try {
      if (session?.officer) await call('/v1/session', { method: 'DELETE' })
    } finally {
      setPageToken(null)
      setOperatorToken(null)
      setSession(null)
      setLapsed(false)
      queries.clear()
      forgetKept()
    }
  }, [queries, session])

  const prolong = useCallback(
    () => setSession((now) => (now?.expires_ms ? { ...now, expires_ms: Date.now() + LIFE_MS } : now)),
    [],
  )

  // The node's clock ends a session; the page says so when its own clock does.
  useEffect(() => {
    if (!session?.expires_ms) return
    const timer = setTimeout(() => setLapsed(true), Math.max(0, session.expires_ms - Date.now()))
    return () => clearTimeout(timer)
  }, [session?.expires_ms])

  const value = useMemo(
    () => ({ session, lapsed, signIn, signInAsOperator, signOut, prolong }),
    [session, lapsed, signIn, signInAsOperator, signOut, prolong],
  )
  return <Context.Provider value={value}>{children}</Context.Provider>
}

export function useSessionState(): SessionState {
  const state = useContext(Context)
  if (!state) throw new Error('no SessionProvider above')
  return state
}

/** The session of a page that is shown only to who is signed in. */
export function useSession(): Session {
  const { session } = useSessionState()
  if (!session) throw new Error('nobody is signed in')
  return session
}

export const isOperator = (session: Session): boolean => session.officer === null
export const has = (session: Session, ...duties: Duty[]): boolean =>
  duties.some((duty) => session.duties.includes(duty))
export const plays = (session: Session, role: Role): boolean => session.roles.includes(role)
