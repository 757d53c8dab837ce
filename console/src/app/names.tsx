/** Institutions' names as people read them, from the network's members. */
import { useCallback } from 'react'
import { useGet } from '../api/queries'
import type { MemberView } from '../api/types'
import { useSpeech } from '../i18n/lang'
import { memberName } from '../i18n/words'
import { useSessionState } from './session'

/** Who is a member and an officer; a page that shows who asks again every so often. */
export function useMembers(everyMs?: number) {
  const { session } = useSessionState()
  return useGet<MemberView[]>(session ? '/v1/network' : null, {
    staleTime: 300_000,
    ...(everyMs ? { refetchInterval: everyMs } : {}),
  })
}

/** Gives a member's name; its short name where nothing else is known. */
export function useNames(): (institution: string) => string {
  const { lang } = useSpeech()
  const { data } = useMembers()
  return useCallback(
    (institution: string) => {
      const member = data?.find((known) => known.institution === institution)
      return member ? memberName(member.name, lang) : institution
    },
    [data, lang],
  )
}
