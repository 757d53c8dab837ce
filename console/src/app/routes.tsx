/** Which page stands where. Each duty's pages are a chunk of their own.
 *
 * Hash routes: ids of cases never reach a server's access log.
 */
import { type ComponentType, lazy, Suspense } from 'react'
import type { RouteObject } from 'react-router'
import { EnrolPage } from '../pages/enrol'
import { Lost, Opening, Shell } from './Shell'

function page<M extends Record<string, unknown>>(load: () => Promise<M>, name: keyof M) {
  const Page = lazy(async () => ({ default: (await load())[name] as ComponentType }))
  return (
    <Suspense fallback={<Opening />}>
      <Page />
    </Suspense>
  )
}

const home = () => import('../pages/home')
const cases = () => import('../pages/cases')
const draft = () => import('../pages/draft')
const warrant = () => import('../pages/warrant')
const ask = () => import('../pages/ask')
const question = () => import('../pages/question')
const answer = () => import('../pages/answer')
const inbox = () => import('../pages/inbox')
const decide = () => import('../pages/decide')
const rules = () => import('../pages/rules')
const datasets = () => import('../pages/datasets')
const dataset = () => import('../pages/dataset')
const oversight = () => import('../pages/oversight')
const statistics = () => import('../pages/statistics')
const verify = () => import('../pages/verify')
const engine = () => import('../pages/engine')
const officers = () => import('../pages/officers')
const members = () => import('../pages/members')
const tour = () => import('../pages/tour')

export const routes: RouteObject[] = [
  { path: '/enrol/:code', element: <EnrolPage /> },
  {
    element: <Shell />,
    children: [
      { path: '/', element: page(home, 'HomePage') },
      { path: '/cases', element: page(cases, 'CasesPage') },
      { path: '/cases/new', element: page(draft, 'DraftPage') },
      { path: '/cases/:warrant', element: page(warrant, 'WarrantPage') },
      { path: '/cases/:warrant/ask', element: page(ask, 'AskPage') },
      { path: '/questions/:question', element: page(question, 'QuestionPage') },
      { path: '/questions/:question/answer', element: page(answer, 'AnswerPage') },
      { path: '/inbox', element: page(inbox, 'InboxPage') },
      { path: '/inbox/draft/:warrant', element: page(decide, 'DecidePage') },
      { path: '/rules', element: page(rules, 'RulesPage') },
      { path: '/datasets', element: page(datasets, 'DatasetsPage') },
      { path: '/datasets/new', element: page(dataset, 'NewDatasetPage') },
      { path: '/datasets/:dataset', element: page(dataset, 'DatasetPage') },
      { path: '/oversight', element: page(oversight, 'OversightPage') },
      { path: '/oversight/records', element: page(oversight, 'RecordsPage') },
      { path: '/oversight/alarms', element: page(oversight, 'AlarmsPage') },
      { path: '/oversight/statistics', element: page(statistics, 'StatisticsPage') },
      { path: '/verify', element: page(verify, 'VerifyPage') },
      { path: '/engine', element: page(engine, 'EnginePage') },
      { path: '/network', element: page(engine, 'NetworkPage') },
      { path: '/officers', element: page(officers, 'OfficersPage') },
      { path: '/members', element: page(members, 'MembersPage') },
      { path: '/tour', element: page(tour, 'TourPage') },
      { path: '*', element: <Lost /> },
    ],
  },
]
