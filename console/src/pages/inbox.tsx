/** What waits here: drafts for judges, questions for approvers, answers for investigators. */
import { Inbox as InboxIcon } from 'lucide-react'
import { Link } from 'react-router'
import { useGet } from '../api/queries'
import type { CaseCard, Inbox, QuestionView, WarrantView } from '../api/types'
import { useNames } from '../app/names'
import { has, useSession } from '../app/session'
import { useSpeech } from '../i18n/lang'
import { templates, word } from '../i18n/words'
import { count, duration, number, short } from '../lib/format'
import { Card, LinkButton, PageHead, Phase, Tags } from '../ui/basic'
import { Await, Blank } from '../ui/state'
import { namedWords } from './case-words'

export function InboxPage() {
  const { say } = useSpeech()
  const session = useSession()
  const inbox = useGet<Inbox>('/v1/inbox')
  return (
    <>
      <PageHead
        title={say('待办', 'Inbox')}
        lead={say(
          '等本机构经办人决定的事项，会自动更新。',
          'What waits for this institution’s officers; it updates by itself.',
        )}
      />
      <Await query={inbox}>
        {(data) => {
          const sections = [
            has(session, 'judge') && data.drafts.length > 0 && <Drafts key="d" drafts={data.drafts} />,
            has(session, 'approver') && data.questions.length > 0 && <Questions key="q" questions={data.questions} />,
            has(session, 'investigator') && data.answers.length > 0 && <Answers key="a" answers={data.answers} />,
          ].filter(Boolean)
          return sections.length > 0 ? (
            <div className="stack">{sections}</div>
          ) : (
            <Card>
              <Blank icon={InboxIcon} title={say('没有待办', 'Nothing waits')}>
                {say('有新的事项时会自动出现在这里。', 'New matters appear here by themselves.')}
              </Blank>
            </Card>
          )
        }}
      </Await>
    </>
  )
}

function Drafts({ drafts }: { drafts: WarrantView[] }) {
  const { say, lang } = useSpeech()
  const name = useNames()
  const cases = useGet<CaseCard[]>('/v1/cases')
  const known = (id: string) => cases.data?.find((card) => card.warrant === id)
  return (
    <Card title={say(`令状申请（${drafts.length}）`, `Draft warrants (${drafts.length})`)} flush>
      <ul className="tasks">
        {drafts.map((draft) => (
          <li key={draft.warrant} className="task">
            <div className="grow stack-s">
              <Link to={`/inbox/draft/${draft.warrant}`}>
                <strong>
                  {known(draft.warrant)?.case ?? say(`令状 ${short(draft.warrant)}`, `Warrant ${short(draft.warrant)}`)}
                </strong>
              </Link>
              <span className="small muted">
                {say(
                  `${name(draft.requester)} 申请：${namedWords(draft, say)}，${draft.custodians.length} 家数据方，${draft.hops} 跳，至多 ${number(draft.answer_cap, lang)} 行，${duration(draft.expires_ms - draft.not_before_ms, lang)}`,
                  `${name(draft.requester)} asks: ${namedWords(draft, say)}, ${count(draft.custodians.length, 'custodian')}, ${count(draft.hops, 'hop')}, at most ${count(draft.answer_cap, 'row')}, for ${duration(draft.expires_ms - draft.not_before_ms, lang)}`,
                )}
              </span>
              <Tags items={draft.templates.map((t) => word(templates, t, lang))} />
            </div>
            <LinkButton to={`/inbox/draft/${draft.warrant}`} tone="primary">
              {say('审阅', 'Read')}
            </LinkButton>
          </li>
        ))}
      </ul>
    </Card>
  )
}

function Questions({ questions }: { questions: QuestionView[] }) {
  const { say, lang } = useSpeech()
  return (
    <Card title={say(`待决定的查询（${questions.length}）`, `Questions to decide (${questions.length})`)} flush>
      <ul className="tasks">
        {questions.map((question) => (
          <li key={question.question} className="task">
            <div className="grow stack-s">
              <Link to={`/questions/${question.question}`}>
                <strong>{word(templates, question.template, lang)}</strong>
              </Link>
              <span className="small muted">
                {say('令状 ', 'Warrant ')}
                {short(question.warrant)} · {(lang === 'zh' ? question.plan_zh : question.plan_en)[1] ?? ''}
              </span>
            </div>
            <Phase phase={question.phase} />
            <LinkButton to={`/questions/${question.question}`} tone="primary">
              {say('决定', 'Decide')}
            </LinkButton>
          </li>
        ))}
      </ul>
    </Card>
  )
}

function Answers({ answers }: { answers: QuestionView[] }) {
  const { say, lang } = useSpeech()
  return (
    <Card title={say(`待开启的答案（${answers.length}）`, `Answers to open (${answers.length})`)} flush>
      <ul className="tasks">
        {answers.map((answer) => (
          <li key={answer.question} className="task">
            <div className="grow">
              <Link to={`/questions/${answer.question}`}>
                <strong>{word(templates, answer.template, lang)}</strong>
              </Link>
              <div className="small muted">
                {say('令状 ', 'Warrant ')}
                {short(answer.warrant)}
              </div>
            </div>
            <LinkButton to={`/questions/${answer.question}`} tone="primary">
              {say('查看', 'Open')}
            </LinkButton>
          </li>
        ))}
      </ul>
    </Card>
  )
}
