/** The frame around every page of who is signed in. */
import { CloudOff, Languages, LogOut, Menu, Moon, RotateCw, Sun, Unplug } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { NavLink, Outlet, useLocation } from 'react-router'
import { useGet, useLive } from '../api/queries'
import type { Alarm, Inbox, NodeStatus } from '../api/types'
import { useSpeech } from '../i18n/lang'
import { duties, word } from '../i18n/words'
import { SignProvider } from '../sign/SignDialog'
import { Button, IconButton, LinkButton, Status } from '../ui/basic'
import { Blank, Guard, Loading, Notice } from '../ui/state'
import { LapsedDialog, SignInPage } from '../pages/signin'
import { GuideBar, GuideProvider } from '../tour/guide'
import { loadAllQuietly } from './chunks'
import { useNames } from './names'
import { navigation } from './navigation'
import { has, plays, useSession, useSessionState } from './session'

export function Brand({ sub }: { sub: string }) {
  return (
    <div className="brand">
      <img src="/icon.svg" alt="" width={32} height={32} />
      <div>
        <strong>Cordon</strong>
        <span>{sub}</span>
      </div>
    </div>
  )
}

export function Switches() {
  const { say, lang, setLang, dark, setTheme } = useSpeech()
  return (
    <>
      <Button
        tone="quiet"
        small
        icon={Languages}
        lang={lang === 'zh' ? 'en' : 'zh-CN'}
        onClick={() => setLang(lang === 'zh' ? 'en' : 'zh')}
        aria-label={lang === 'zh' ? 'Switch to English' : '切换到中文'}
      >
        {lang === 'zh' ? 'English' : '中文'}
      </Button>
      <IconButton
        label={dark ? say('浅色', 'Light') : say('深色', 'Dark')}
        icon={dark ? Sun : Moon}
        onClick={() => setTheme(dark ? 'light' : 'dark')}
      />
    </>
  )
}

export function Shell() {
  const { session } = useSessionState()
  if (!session) return <SignInPage />
  return (
    <GuideProvider>
      <SignProvider>
        <Frame />
      </SignProvider>
    </GuideProvider>
  )
}

function Frame() {
  const { say, lang } = useSpeech()
  const session = useSession()
  const { lapsed, signOut } = useSessionState()
  const live = useLive(session.officer !== null)
  const [menu, setMenu] = useState(false)
  const place = useLocation()
  const main = useRef<HTMLElement>(null)
  const first = useRef(true)

  useEffect(() => loadAllQuietly(), [])
  // A new page takes the focus at its title, as a loaded document would.
  useEffect(() => {
    setMenu(false)
    if (first.current) {
      first.current = false
      return
    }
    window.scrollTo(0, 0)
    main.current?.focus({ preventScroll: true })
  }, [place.pathname])

  return (
    <div className="shell">
      <a
        className="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault()
          main.current?.focus()
        }}
      >
        {say('跳到正文', 'Skip to the content')}
      </a>
      <aside className="side" aria-label={say('侧栏', 'Sidebar')}>
        <div>
          <Navigation />
        </div>
      </aside>
      {menu && <MenuDialog onClose={() => setMenu(false)} />}
      <div>
        <header className="top">
          <IconButton className="menu-open" label={say('菜单', 'Menu')} icon={Menu} onClick={() => setMenu(true)} />
          <NetworkState live={live} />
          <div className="who">
            <strong>{session.officer ?? say('运维人员', 'Operator')}</strong>
            <span>{session.duties.map((duty) => word(duties, duty, lang)).join(' · ')}</span>
          </div>
          <Switches />
          <IconButton
            label={say('退出登录', 'Sign out')}
            icon={LogOut}
            onClick={() => void signOut().catch(() => undefined)}
          />
        </header>
        <GuideBar />
        <main id="main" ref={main} tabIndex={-1} aria-labelledby="page-title">
          <Guard key={place.pathname} show={(error) => <Broken error={error} />}>
            <Outlet />
          </Guard>
        </main>
      </div>
      {lapsed && <LapsedDialog />}
    </div>
  )
}

function Navigation() {
  const { say } = useSpeech()
  const session = useSession()
  const name = useNames()
  const officer = session.officer !== null
  const inbox = useGet<Inbox>(officer ? '/v1/inbox' : null)
  const overseer = has(session, 'auditor') && plays(session, 'overseer')
  const alarms = useGet<Alarm[]>(overseer ? '/v1/oversight/alarms' : null, { staleTime: 60_000 })
  const waiting = inbox.data
    ? (has(session, 'judge') ? inbox.data.drafts.length : 0) +
      (has(session, 'approver') ? inbox.data.questions.length : 0) +
      (has(session, 'investigator') ? inbox.data.answers.length : 0)
    : 0
  const counts = {
    inbox: waiting,
    alarms: alarms.data?.filter((alarm) => alarm.severity !== 'info').length ?? 0,
  }
  return (
    <>
      <Brand sub={name(session.institution)} />
      <nav aria-label={say('主导航', 'Main')}>
        {navigation(session).map((group) => (
          <div key={group.en}>
            <h2>{say(group.zh, group.en)}</h2>
            <ul>
              {group.places.map((item) => {
                const count = item.counts ? counts[item.counts] : 0
                return (
                  <li key={item.to}>
                    <NavLink to={item.to} end={item.to === '/' || item.to === '/oversight'}>
                      <item.icon size={17} aria-hidden />
                      {say(item.zh, item.en)}
                      {count > 0 && (
                        <span className="count">
                          {count}
                          <span className="sr">{say(' 项待处理', ' waiting')}</span>
                        </span>
                      )}
                    </NavLink>
                  </li>
                )
              })}
            </ul>
          </div>
        ))}
      </nav>
    </>
  )
}

function MenuDialog({ onClose }: { onClose: () => void }) {
  const { say } = useSpeech()
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const element = dialog.current
    element?.showModal()
    return () => element?.close()
  }, [])
  return (
    <dialog
      ref={dialog}
      className="nav"
      aria-label={say('菜单', 'Menu')}
      onCancel={onClose}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div className="side">
        <Navigation />
      </div>
    </dialog>
  )
}

/** Whether node and network can be relied on, in the corner of every page. */
function NetworkState({ live }: { live: boolean }) {
  const { say } = useSpeech()
  const status = useGet<NodeStatus>('/v1/status', { refetchInterval: 10_000, retry: false })
  const node = status.data
  return (
    <div className="net">
      {status.error ? (
        <Status mood="bad" icon={CloudOff}>
          {say('节点离线', 'Node offline')}
        </Status>
      ) : node && !node.healthy ? (
        <Status mood="wait" icon={Unplug}>
          {say(`仅 ${node.heard}/${node.members} 家在线`, `Only ${node.heard} of ${node.members} heard`)}
        </Status>
      ) : !live ? (
        <Status mood="wait" icon={RotateCw}>
          {say('正在重连', 'Reconnecting')}
        </Status>
      ) : null}
      {status.error ? (
        <span className="sr" role="alert">
          {say('节点离线', 'Node offline')}
        </span>
      ) : null}
    </div>
  )
}

function Broken({ error }: { error: Error }) {
  const { say } = useSpeech()
  return (
    <Notice mood="bad" role="alert" title={say('此页出错', 'This page broke')}>
      <pre>{error.message}</pre>
    </Notice>
  )
}

/** A page on its way: it has a heading from the first. */
export function Opening() {
  const { say } = useSpeech()
  return (
    <>
      <h1 id="page-title" className="sr">
        {say('正在打开…', 'Opening…')}
      </h1>
      <Loading />
    </>
  )
}

export function Lost() {
  const { say } = useSpeech()
  return (
    <>
      <h1 id="page-title" className="sr">
        {say('没有此页', 'No such page')}
      </h1>
      <Blank
        title={say('没有此页', 'No such page')}
        action={<LinkButton to="/">{say('回到今日', 'Go to Today')}</LinkButton>}
      />
    </>
  )
}
