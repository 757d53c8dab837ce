/** Which page stands where. Each duty's pages are a chunk of their own.
 *
 * Hash routes: ids of cases never reach a server's access log.
 */
import { type ComponentType, useEffect, useState } from 'react'
import type { RouteObject } from 'react-router'
import { unreachable } from '../api/client'
import { useSpeech } from '../i18n/lang'
import { EnrolPage } from '../pages/enrol'
import { Failed } from '../ui/state'
import { type Chunk, load, pageOf } from './chunks'
import { Lost, Opening, Shell } from './Shell'

/** Between two tries for a page that did not come. */
const AGAIN_MS = 3_000

/** A page whose chunk may still be on its way. */
function Page({ chunk, name }: { chunk: Chunk; name: string }) {
  const { say } = useSpeech()
  const [Shown, setShown] = useState<ComponentType | null>(() => pageOf(chunk, name))
  const [failed, setFailed] = useState(false)
  const [round, setRound] = useState(0)
  useEffect(() => {
    if (Shown) return
    let ended = false
    let timer: ReturnType<typeof setTimeout> | undefined
    load(chunk).then(
      () => {
        if (!ended) setShown(() => pageOf(chunk, name))
      },
      () => {
        if (ended) return
        setFailed(true)
        timer = setTimeout(() => setRound(round + 1), AGAIN_MS)
      },
    )
    return () => {
      ended = true
      clearTimeout(timer)
    }
  }, [Shown, round, chunk, name])
  if (Shown) return <Shown />
  if (!failed) return <Opening />
  return (
    <>
      <h1 id="page-title" className="sr">
        {say('此页未能打开', 'This page did not open')}
      </h1>
      <Failed error={unreachable()} retry={() => setRound(round + 1)} />
    </>
  )
}

const page = (chunk: Chunk, name: string) => <Page key={`${chunk}/${name}`} chunk={chunk} name={name} />

export const routes: RouteObject[] = [
  { path: '/enrol/:code', element: <EnrolPage /> },
  { path: '/stage/:packed', element: page('stage', 'StagePage') },
  {
    element: <Shell />,
    children: [
      { path: '/', element: page('home', 'HomePage') },
      { path: '/cases', element: page('cases', 'CasesPage') },
      { path: '/cases/new', element: page('draft', 'DraftPage') },
      { path: '/cases/:warrant', element: page('warrant', 'WarrantPage') },
      { path: '/cases/:warrant/ask', element: page('ask', 'AskPage') },
      { path: '/questions/:question', element: page('question', 'QuestionPage') },
      { path: '/questions/:question/answer', element: page('answer', 'AnswerPage') },
      { path: '/inbox', element: page('inbox', 'InboxPage') },
      { path: '/inbox/draft/:warrant', element: page('decide', 'DecidePage') },
      { path: '/rules', element: page('rules', 'RulesPage') },
      { path: '/datasets', element: page('datasets', 'DatasetsPage') },
      { path: '/datasets/new', element: page('datasetNew', 'NewDatasetPage') },
      { path: '/datasets/:dataset', element: page('dataset', 'DatasetPage') },
      { path: '/oversight', element: page('oversight', 'OversightPage') },
      { path: '/oversight/records', element: page('oversight', 'RecordsPage') },
      { path: '/oversight/alarms', element: page('oversight', 'AlarmsPage') },
      { path: '/oversight/statistics', element: page('statistics', 'StatisticsPage') },
      { path: '/verify', element: page('verify', 'VerifyPage') },
      { path: '/engine', element: page('engine', 'EnginePage') },
      { path: '/network', element: page('engine', 'NetworkPage') },
      { path: '/officers', element: page('officers', 'OfficersPage') },
      { path: '/members', element: page('members', 'MembersPage') },
      { path: '/tour', element: page('tour', 'TourPage') },
      { path: '*', element: <Lost /> },
    ],
  },
]
