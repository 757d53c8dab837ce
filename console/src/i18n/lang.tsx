/** Two languages, said side by side where they are used: `say(zh, en)`.
 *
 * Why so: a sentence that lacks its other language does not compile, and both
 * are read together by whoever changes one. The choice is kept in
 * `localStorage`, which holds language and theme and nothing else.
 */
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react'
import type { Words } from '../api/types'

export type Lang = 'zh' | 'en'
export type Theme = 'light' | 'dark' | 'system'

const LANG_KEY = 'cordon.lang'
const THEME_KEY = 'cordon.theme'

export interface Speech {
  lang: Lang
  setLang: (lang: Lang) => void
  theme: Theme
  setTheme: (theme: Theme) => void
  dark: boolean
  /** Says a thing in the chosen language. */
  say: (zh: string, en: string) => string
  /** Picks from a pair that the node wrote. */
  pick: (words: Words) => string
}

const Context = createContext<Speech | null>(null)

function stored(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

function store(key: string, value: string): void {
  try {
    localStorage.setItem(key, value)
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}

function firstLang(): Lang {
  const kept = stored(LANG_KEY)
  if (kept === 'zh' || kept === 'en') return kept
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en'
}

function firstTheme(): Theme {
  const kept = stored(THEME_KEY)
  return kept === 'light' || kept === 'dark' ? kept : 'system'
}

export function SpeechProvider({ children }: { children: ReactNode }) {
  const [lang, setLang] = useState<Lang>(firstLang)
  const [theme, setTheme] = useState<Theme>(firstTheme)
  const [systemDark, setSystemDark] = useState(() => matchMedia('(prefers-color-scheme: dark)').matches)
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)')
    const heard = () => setSystemDark(query.matches)
    query.addEventListener('change', heard)
    return () => query.removeEventListener('change', heard)
  }, [])
  const dark = theme === 'dark' || (theme === 'system' && systemDark)
  useEffect(() => {
    document.documentElement.lang = lang === 'zh' ? 'zh-CN' : 'en'
  }, [lang])
  useEffect(() => {
    document.documentElement.dataset['theme'] = dark ? 'dark' : 'light'
  }, [dark])
  const speech = useMemo<Speech>(
    () => ({
      lang,
      theme,
      dark,
      setLang: (next) => {
        store(LANG_KEY, next)
        setLang(next)
      },
      setTheme: (next) => {
        store(THEME_KEY, next)
        setTheme(next)
      },
      say: (zh, en) => (lang === 'zh' ? zh : en),
      pick: (words) => (lang === 'zh' ? words.text_zh : words.text_en),
    }),
    [lang, theme, dark],
  )
  return <Context.Provider value={speech}>{children}</Context.Provider>
}

export function useSpeech(): Speech {
  const speech = useContext(Context)
  if (!speech) throw new Error('no SpeechProvider above')
  return speech
}
