/** One warrant: its terms, its questions, its docket; revoking it. */
import { Ban, BookLock, Mail, MessageCircleQuestionMark } from 'lucide-react'
import { useState } from 'react'
import { Link, useParams } from 'react-router'
import { useGet, useOrder, useStale } from '../api/queries'
import type { CaseView } from '../api/types'
import { has, plays, useSession } from '../app/session'
import { useSpeech } from '../i18n/lang'
import { ReasonDialog } from '../sign/ReasonDialog'
import { Button, Card, LinkButton, PageHead, Phase } from '../ui/basic'
import { TextField } from '../ui/form'
import { Await, Blank, Notice } from '../ui/state'
import { Tabs } from '../ui/tabs'
import { caseTitle } from './case-words'
import { QuestionRow } from './cases'
import { Docket } from './docket'
import { Changes, Named, SubjectsComing, TermsFacts } from './warrant-parts'

export function WarrantPage() {
  const { warrant = '' } = useParams()
  const { say } = useSpeech()
  const view = useGet<CaseView>(`/v1/cases/${warrant}`)
  return (
    <Await query={view} heading={say('令状', 'Warrant')}>
      {(data) => <Warrant key={data.warrant} view={data} crumb={<Link to="/cases">{say('案件', 'Cases')}</Link>} />}
    </Await>
  )
}

/** Phases in which those whom a warrant named may be told. */
const OVER = ['issued', 'expired', 'revoked']

function Warrant({ view, crumb }: { view: CaseView; crumb: React.ReactNode }) {
  const { say } = useSpeech()
  const session = useSession()
  const [tab, setTab] = useState('overview')
  const [revoking, setRevoking] = useState(false)
  const [telling, setTelling] = useState(false)
  const judge = has(session, 'judge') && session.institution === view.authority
  const asks = has(session, 'investigator') && session.institution === view.requester
  const readable = view.readable.includes('subjects') && (plays(session, 'requester') || plays(session, 'authority'))
  return (
    <>
      <PageHead
        crumb={crumb}
        title={
          <>
            {caseTitle(view, say)} <Phase phase={view.phase} />
          </>
        }
        actions={
          <>
            {asks && view.phase === 'issued' && (
              <LinkButton to={`/cases/${view.warrant}/ask`} tone="primary" icon={MessageCircleQuestionMark}>
                {say('提问', 'Ask')}
              </LinkButton>
            )}
            {judge && view.phase === 'drafted' && (
              <LinkButton to={`/inbox/draft/${view.warrant}`} tone="primary">
                {say('审批', 'Decide')}
              </LinkButton>
            )}
            {(asks || judge) && OVER.includes(view.phase) && view.noticed < view.subjects && (
              <Button icon={Mail} onClick={() => setTelling(true)}>
                {say('说明告知情况…', 'Account for notice…')}
              </Button>
            )}
            {judge && (view.phase === 'issued' || view.phase === 'not-yet-valid') && (
              <Button tone="danger" icon={Ban} onClick={() => setRevoking(true)}>
                {say('撤销令状', 'Revoke')}
              </Button>
            )}
          </>
        }
      />
      <Tabs
        label={say('令状', 'Warrant')}
        chosen={tab}
        onChange={setTab}
        items={[
          {
            key: 'overview',
            name: say('概况', 'Overview'),
            panel: (
              <div className="cols main-side">
                <div className="stack">
                  <Questions view={view} asks={asks} />
                  {readable && <Subjects warrant={view.warrant} />}
                </div>
                <div className="stack">
                  <Card title={say('条款', 'Terms')}>
                    <TermsFacts view={view} />
                  </Card>
                  {view.narrowed.length > 0 && (
                    <Card title={say('签发时已缩小', 'Narrowed when issued')} flush>
                      <Changes changes={view.narrowed} from={say('申请', 'Asked')} to={say('签发', 'Granted')} />
                    </Card>
                  )}
                </div>
              </div>
            ),
          },
          {
            key: 'docket',
            name: say('卷宗', 'Docket'),
            panel: (
              <Card>
                <Docket warrant={view.warrant} />
              </Card>
            ),
          },
        ]}
      />
      {telling && <GiveNotice view={view} onClose={() => setTelling(false)} />}
      {revoking && <Revoke view={view} onClose={() => setRevoking(false)} />}
    </>
  )
}

function Questions({ view, asks }: { view: CaseView; asks: boolean }) {
  const { say } = useSpeech()
  return (
    <Card title={say('查询', 'Questions')} flush>
      {view.questions.length === 0 ? (
        <Blank icon={MessageCircleQuestionMark} title={say('还没有查询', 'No questions yet')}>
          {view.phase === 'drafted'
            ? say('等待签发机关决定。', 'The authority has yet to decide.')
            : asks && view.phase === 'issued'
              ? say('令状有效，可以提问。', 'The warrant is in force: ask.')
              : ''}
        </Blank>
      ) : (
        <ul className="case-questions roomy">
          {view.questions.map((question) => (
            <QuestionRow key={question.question} question={question} />
          ))}
        </ul>
      )}
    </Card>
  )
}

function Subjects({ warrant }: { warrant: string }) {
  const { say } = useSpeech()
  const [open, setOpen] = useState(false)
  const full = useOrder(open ? warrant : null)
  return (
    <Card title={say('案情与对象', 'Case and subjects')}>
      {!open ? (
        <Blank
          icon={BookLock}
          title={say('只有请求方与签发机关可读', 'Only requester and authority may read these')}
          action={<Button onClick={() => setOpen(true)}>{say('查看', 'Show them')}</Button>}
        >
          {say('查看会留下记录。', 'Showing them leaves a record.')}
        </Blank>
      ) : (
        <Await query={full}>
          {(v) =>
            v.subject_list ? (
              <div className="stack">
                <p>{v.subject_list.reason}</p>
                <Named subjects={v.subject_list.subjects} scenes={v.subject_list.scenes ?? []} />
              </div>
            ) : v.subjects_coming ? (
              <SubjectsComing />
            ) : (
              <Blank title={say('此机构不可读', 'Not readable here')} />
            )
          }
        </Await>
      )}
    </Card>
  )
}

function Revoke({ view, onClose }: { view: CaseView; onClose: () => void }) {
  const { say } = useSpeech()
  const stale = useStale()
  return (
    <ReasonDialog
      title={say('撤销令状', 'Revoke the warrant')}
      danger
      act={(reason) => ({ act: 'revoke-warrant', warrant: view.warrant, reason })}
      onClose={onClose}
      onDone={() => stale('/v1/cases')}
    >
      <Notice mood="wait">
        {say(
          '撤销即时生效：未完成的计算停止，各数据方不再作答。',
          'It takes effect when final: runs under way stop, and no custodian answers any more.',
        )}
      </Notice>
    </ReasonDialog>
  )
}

const whole = (text: string) => /^\d{1,6}$/.test(text)

/** Accounts for notice to those whom the warrant named: numbers, never names. */
function GiveNotice({ view, onClose }: { view: CaseView; onClose: () => void }) {
  const { say } = useSpeech()
  const stale = useStale()
  const left = view.subjects - view.noticed
  const [told, setTold] = useState(String(left))
  const [withheld, setWithheld] = useState('0')
  const sum = whole(told) && whole(withheld) ? Number(told) + Number(withheld) : 0
  const error = sum >= 1 && sum <= left ? undefined : say(`合计 1 至 ${left} 个`, `1 to ${left} together`)
  return (
    <ReasonDialog
      title={say('说明告知情况', 'Account for notice')}
      label={say('如何告知；未告知的理由', 'How they were told; why others were not')}
      hint={say('签发机关与监督方会读到', 'Authority and overseers read it')}
      ready={!error}
      act={(reason) => ({
        act: 'give-notice',
        warrant: view.warrant,
        told: Number(told),
        withheld: Number(withheld),
        reason,
      })}
      onClose={onClose}
      onDone={() => stale('/v1/cases')}
    >
      <Notice mood="off">
        {say('只记录人数。谁被告知，留在本机构的卷中。', 'Numbers only. Who was told stays in your own files.')}
      </Notice>
      <div className="pair">
        <TextField
          label={say('已告知', 'Told')}
          inputMode="numeric"
          value={told}
          onChange={(e) => setTold(e.target.value)}
          error={error}
        />
        <TextField
          label={say('未告知', 'Not told')}
          inputMode="numeric"
          value={withheld}
          onChange={(e) => setWithheld(e.target.value)}
        />
      </div>
    </ReasonDialog>
  )
}
