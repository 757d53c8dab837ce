/** Cases at a glance: every warrant that concerns this institution. */
import { FilePlus2, Search } from 'lucide-react'
import { useMemo, useState } from 'react'
import { Link } from 'react-router'
import { useGet } from '../api/queries'
import type { CaseCard, CaseQuestion } from '../api/types'
import { useNames } from '../app/names'
import { has, useSession } from '../app/session'
import { useSpeech } from '../i18n/lang'
import { templates, word } from '../i18n/words'
import { count, duration, number } from '../lib/format'
import { Hex, LinkButton, PageHead, Phase, Progress, Tags, When } from '../ui/basic'
import { Select, TextField } from '../ui/form'
import { Await, Blank } from '../ui/state'
import { caseTitle, namedWords, waitWords } from './case-words'

export function CasesPage() {
  const { say, lang } = useSpeech()
  const session = useSession()
  const name = useNames()
  const cases = useGet<CaseCard[]>('/v1/cases')
  const [text, setText] = useState('')
  const [phase, setPhase] = useState('')
  const shown = useMemo(() => {
    const needle = text.trim().toLowerCase()
    return (cases.data ?? []).filter(
      (card) =>
        (!phase || card.phase === phase) &&
        (!needle ||
          [
            card.case,
            card.warrant,
            name(card.requester),
            name(card.authority),
            ...card.templates.map((t) => word(templates, t, lang)),
          ]
            .join(' ')
            .toLowerCase()
            .includes(needle)),
    )
  }, [cases.data, text, phase, name, lang])
  const draft = has(session, 'investigator') && (
    <LinkButton to="/cases/new" tone="primary" icon={FilePlus2}>
      {say('申请令状', 'Draft a warrant')}
    </LinkButton>
  )
  return (
    <>
      <PageHead
        title={say('案件', 'Cases')}
        lead={say(
          '与本机构有关的每份令状，最近有动静的在前。',
          'Every warrant that concerns this institution, latest activity first.',
        )}
        actions={draft}
      />
      <Await
        query={cases}
        empty={{
          when: (list) => list.length === 0,
          show: <Blank title={say('还没有案件', 'No cases yet')} action={draft || undefined} />,
        }}
      >
        {() => (
          <div className="stack">
            <div className="filters">
              <TextField
                label={say('查找', 'Find')}
                type="search"
                placeholder={say('案号、编号、机构…', 'Case, id, institution…')}
                value={text}
                onChange={(e) => setText(e.target.value)}
              />
              <Select
                label={say('状态', 'State')}
                value={phase}
                onChange={(e) => setPhase(e.target.value)}
                options={[
                  ['', say('全部', 'All')],
                  ['drafted', say('待审批', 'Awaiting decision')],
                  ['issued', say('有效', 'In force')],
                  ['expired', say('已过期', 'Expired')],
                  ['refused', say('已拒绝', 'Refused')],
                  ['revoked', say('已撤销', 'Revoked')],
                ]}
              />
            </div>
            {shown.length === 0 ? (
              <Blank icon={Search} title={say('没有符合的案件', 'No case matches')} />
            ) : (
              <ul className="stack">
                {shown.map((card) => (
                  <CaseRow key={card.warrant} card={card} />
                ))}
              </ul>
            )}
          </div>
        )}
      </Await>
    </>
  )
}

function CaseRow({ card }: { card: CaseCard }) {
  const { say, lang } = useSpeech()
  const name = useNames()
  const mine = card.waits.find((wait) => wait.mine)
  const left = card.expires_ms - Date.now()
  return (
    <li className="card case">
      <div className="case-head">
        <div className="grow">
          <Link to={`/cases/${card.warrant}`} className="case-name">
            {caseTitle(card, say)}
          </Link>
          <div className="muted small">
            {name(card.requester)} → {name(card.authority)} ·{' '}
            <Hex id={card.warrant} what={say('令状编号', 'warrant id')} />
          </div>
        </div>
        <Phase phase={card.phase} />
      </div>
      <div className="case-facts">
        <span>{namedWords(card, say)}</span>
        <span>{say(`${card.custodians.length} 家数据方`, count(card.custodians.length, 'custodian'))}</span>
        <span>{say(`${card.hops} 跳`, count(card.hops, 'hop'))}</span>
        <span>{say(`至多 ${number(card.answer_cap, lang)} 行`, `≤ ${count(card.answer_cap, 'row')}`)}</span>
        <span>
          {say(`已用 ${card.spent}/${card.runs} 次计算`, `${card.spent} of ${count(card.runs, 'run')} spent`)}
        </span>
        {card.phase === 'issued' && <span>{say(`剩余 ${duration(left, lang)}`, `${duration(left, lang)} left`)}</span>}
        <span>
          {say('最近：', 'last: ')}
          <When ms={card.last_ms} relative />
        </span>
      </div>
      {card.questions.length > 0 && (
        <ul className="case-questions">
          {card.questions.map((question) => (
            <QuestionRow key={question.question} question={question} />
          ))}
        </ul>
      )}
      {mine && <div className="case-wait">{waitWords(mine, say, name)}</div>}
      {card.questions.length === 0 && <Tags items={card.templates.map((t) => word(templates, t, lang))} />}
    </li>
  )
}

export function QuestionRow({ question }: { question: CaseQuestion }) {
  const { say, lang } = useSpeech()
  const decisions = Object.values(question.decisions)
  const yes = decisions.filter((d) => d === 'approved').length
  return (
    <li>
      <Link to={`/questions/${question.question}`}>{word(templates, question.template, lang)}</Link>
      <Phase phase={question.phase} />
      {question.phase === 'open' && (
        <span className="small muted">
          {say(`${yes}/${decisions.length} 家同意`, `${yes} of ${decisions.length} approved`)}
        </span>
      )}
      {question.phase === 'running' && (
        <span style={{ width: 120 }}>
          <Progress value={question.progress ?? 0} label={say('计算进度', 'Progress of the run')} />
        </span>
      )}
      {question.disclosed && <span className="small muted">{say('答案已开启', 'answer opened')}</span>}
      {question.exported && <span className="small muted">{say('已导出', 'exported')}</span>}
      <span className="small muted" style={{ marginLeft: 'auto' }}>
        <When ms={question.asked_ms} relative />
      </span>
    </li>
  )
}
