/** One warrant: its terms, its questions, its docket; revoking it. */
import { Ban, BookLock, MessageCircleQuestionMark } from 'lucide-react'
import { useState } from 'react'
import { Link, useParams } from 'react-router'
import { useGet, useRecordedGet, useStale } from '../api/queries'
import type { Act, CaseView, WarrantView } from '../api/types'
import { has, plays, useSession } from '../app/session'
import { useSpeech } from '../i18n/lang'
import { useSign } from '../sign/SignDialog'
import { Button, Card, LinkButton, PageHead, Phase } from '../ui/basic'
import { Dialog } from '../ui/dialog'
import { TextArea } from '../ui/form'
import { Await, Blank, Notice } from '../ui/state'
import { Tabs } from '../ui/tabs'
import { caseTitle } from './case-words'
import { QuestionRow } from './cases'
import { Docket } from './docket'
import { Changes, SubjectList, TermsFacts } from './warrant-parts'

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

function Warrant({ view, crumb }: { view: CaseView; crumb: React.ReactNode }) {
  const { say } = useSpeech()
  const session = useSession()
  const [tab, setTab] = useState('overview')
  const [revoking, setRevoking] = useState(false)
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
  const full = useRecordedGet<WarrantView>(open ? `/v1/warrants/${warrant}` : null)
  return (
    <Card title={say('案情与对象', 'Case and subjects')}>
      {!open ? (
        <Blank
          icon={BookLock}
          title={say('只有请求方与签发机关可读', 'Only requester and authority may read these')}
          action={<Button onClick={() => setOpen(true)}>{say('查看对象', 'Show the subjects')}</Button>}
        >
          {say('查看会留下记录。', 'Showing them leaves a record.')}
        </Blank>
      ) : (
        <Await
          query={full}
          empty={{ when: (v) => !v.subject_list, show: <Blank title={say('此机构不可读', 'Not readable here')} /> }}
        >
          {(v) => (
            <div className="stack">
              <p>{v.subject_list?.reason}</p>
              <SubjectList subjects={v.subject_list?.subjects ?? []} />
            </div>
          )}
        </Await>
      )}
    </Card>
  )
}

function Revoke({ view, onClose }: { view: CaseView; onClose: () => void }) {
  const { say } = useSpeech()
  const sign = useSign()
  const stale = useStale()
  const [reason, setReason] = useState('')
  return (
    <Dialog
      title={say('撤销令状', 'Revoke the warrant')}
      onClose={onClose}
      footer={
        <>
          <Button tone="quiet" onClick={onClose}>
            {say('取消', 'Cancel')}
          </Button>
          <Button
            tone="danger"
            disabled={!reason.trim()}
            onClick={() => {
              onClose()
              sign({
                act: { act: 'revoke-warrant', warrant: view.warrant, reason: reason.trim() } as Act,
                danger: true,
                onDone: () => stale('/v1/cases'),
              })
            }}
          >
            {say('核对并签名…', 'Review and sign…')}
          </Button>
        </>
      }
    >
      <div className="stack">
        <Notice mood="wait">
          {say(
            '撤销即时生效：未完成的计算停止，各数据方不再作答。',
            'It takes effect when final: runs under way stop, and no custodian answers any more.',
          )}
        </Notice>
        <TextArea label={say('理由', 'Reason')} value={reason} onChange={(e) => setReason(e.target.value)} />
      </div>
    </Dialog>
  )
}
