#include "gui/feed/producer_feed.hpp"

#include "common/base/limits.hpp"
#include "gui/model/importing.hpp"
#include "gui/model/words.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace pinion::gui {
namespace {

constexpr std::size_t records_per_turn = 4'096;
constexpr Micros turn_time = 5ms;
constexpr Micros topic_timeout = 5s;
constexpr Micros pump_again = 2ms;
constexpr Micros look_again = 10ms;
constexpr std::size_t running_max = 20;
/// Of a record's bytes as JSON: "\u0001" for one.
constexpr std::size_t json_growth_max = 6;
constexpr std::size_t line_overhead_max = 4'096;

Micros monotonic_now() {
  return std::chrono::duration_cast<Micros>(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace

void ProducerFeed::send(const SendRecords& command) {
  changed_ = true;
  context_->dirty = true;
  Job& job = jobs_.emplace_front();
  job.shown.id = ++last_id_;
  job.shown.started_at = context_->now.wall;
  job.shown.plan = std::make_shared<const SendPlan>(command.plan);
  job.begun = context_->now.monotonic;
  job.lookup_until = job.begun + topic_timeout;
  const auto running =
      std::count_if(jobs_.begin(), jobs_.end(), [](const Job& j) { return !j.shown.is_over(); });
  if (running > static_cast<std::ptrdiff_t>(running_max)) {
    return end(job, JobState::failed, "too much is being sent already; wait, or cancel something");
  }
  begin(job);
  while (jobs_.size() > jobs_kept_max && jobs_.back().shown.is_over()) jobs_.pop_back();
}

void ProducerFeed::begin(Job& job) {
  if (!context_->client) return end(job, JobState::failed, "there is no broker to send to");
  const SendPlan& plan = *job.shown.plan;
  job.shown.total = plan.count;
  if (!plan.file.empty()) {
    const auto most = static_cast<std::size_t>(context_->client->status().record_bytes_max);
    const std::size_t record_max = most > 0 ? most : limits::record_bytes_default;
    auto lines = LineSource::open(
        plan.file, plan.exported ? record_max * json_growth_max + line_overhead_max : record_max);
    if (!lines) return end(job, JobState::failed, lines.error().detail);
    job.shown.total = lines->file_bytes();
    job.lines.emplace(std::move(*lines));
  }
  if (!producer_) {
    auto producer = context_->client->producer({.back_pressure = BackPressure::fail});
    if (!producer) return end(job, JobState::failed, words_of(producer.error()));
    producer_ = std::move(*producer);
  }
  pump(job);
}

void ProducerFeed::cancel(std::uint64_t id) {
  for (Job& job : jobs_) {
    if (job.shown.id != id || job.shown.is_over()) continue;
    read_ledger(job);
    end(job, JobState::cancelled, "cancelled; what was on its way may still be written");
  }
}

void ProducerFeed::forget() {
  jobs_.remove_if([](const Job& job) { return job.shown.is_over(); });
  changed_ = true;
  context_->dirty = true;
}

void ProducerFeed::on_tick() {
  next_deadline_ = never;
  for (Job& job : jobs_) {
    if (!job.shown.is_over()) pump(job);
  }
}

void ProducerFeed::pump(Job& job) {
  changed_ = true;
  context_->dirty = true;
  job.shown.took = context_->now.monotonic - job.begun;
  if (job.shown.state == JobState::waiting) {
    auto topic = producer_->topic(job.shown.plan->draft.topic, Micros{0});
    if (topic) {
      job.topic = std::move(*topic);
      job.shown.state = JobState::sending;
    } else if (topic.error().code != Errc::timed_out &&
               topic.error().code != Errc::connection_lost) {
      return end(job, JobState::failed, words_of(topic.error()));
    } else if (context_->now.monotonic >= job.lookup_until) {
      return end(job, JobState::failed, "Nothing was sent. " + words_of(topic.error()));
    } else {
      next_deadline_ = std::min(next_deadline_, context_->now.monotonic + look_again);
      return;
    }
  }
  if (job.shown.state == JobState::sending) fill_and_send(job, monotonic_now() + turn_time);
  read_ledger(job);
  if (job.shown.state == JobState::flushing && job.shown.reported() >= job.shown.sent) {
    end(job, JobState::done, job.shown.problem);
  }
}

void ProducerFeed::fill_and_send(Job& job, Micros deadline) {
  const SendPlan& plan = *job.shown.plan;
  const std::uint64_t due = due_by(plan.per_second, context_->now.monotonic - job.begun);
  for (std::size_t i = 0; i < records_per_turn; ++i) {
    if (job.shown.sent >= due) {
      const auto next = static_cast<std::int64_t>(1e6 * static_cast<double>(due) / plan.per_second);
      next_deadline_ = std::min(next_deadline_, job.begun + Micros(next));
      return;
    }
    const Step step = send_one(job);
    if (step == Step::over) return;
    if (step == Step::wait || (i % 64 == 63 && monotonic_now() >= deadline)) break;
  }
  next_deadline_ = std::min(next_deadline_, context_->now.monotonic + pump_again);
}

/// The next record, with everything filled in.
Result<Draft> ProducerFeed::draft_of(const Job& job) {
  const SendPlan& plan = *job.shown.plan;
  if (plan.exported) return parse_exported_line(*job.line);
  const std::string_view line = job.line ? std::string_view(*job.line) : std::string_view();
  const TemplateFiller::Values values{job.shown.sent + 1, context_->now.wall, line};
  const auto filled = [&](const std::string& text) {
    const bool fills = !plan.draft.exact && may_be_template(text);
    return fills ? filler_.fill(text, values) : text;
  };
  Draft draft;
  draft.headers = plan.draft.headers;
  const bool line_alone = job.lines && plan.draft.value.empty();
  draft.value = line_alone ? std::string(line) : filled(plan.draft.value);
  if (plan.draft.key) draft.key = filled(*plan.draft.key);
  return draft;
}

ProducerFeed::Step ProducerFeed::send_one(Job& job) {
  const SendPlan& plan = *job.shown.plan;
  if (!job.lines && job.shown.sent >= plan.count) {
    job.shown.state = JobState::flushing;
    return Step::over;
  }
  if (job.lines && !job.line) {
    auto line = job.lines->next();
    if (!line) {
      end(job, JobState::failed, line.error().detail);
      return Step::over;
    }
    job.shown.done_of_total = job.lines->bytes_read();
    if (!*line) {
      job.shown.state = JobState::flushing;
      return Step::over;
    }
    job.line = std::move(**line);
    ++job.lines_read;
  }
  const auto draft = draft_of(job);
  if (!draft) {
    end(job, JobState::failed,
        "line " + std::to_string(job.lines_read) + ": " + draft.error().detail);
    return Step::over;
  }
  ProducerRecord record;
  if (draft->key) record.key = *draft->key;
  record.headers = draft->headers;
  record.value = draft->value;
  if (plan.draft.partition) record.partition = PartitionIndex(*plan.draft.partition);
  const Micros sent_at = monotonic_now();
  const auto accepted = producer_->send(
      *job.topic, record,
      [ledger = job.ledger, inbox = context_->inbox, id = job.shown.id,
       sent_at](const DeliveryReport& report) {
        const Micros latency = monotonic_now() - sent_at;
        const std::lock_guard lock(ledger->mutex);
        SendReport out{
            id, SendOutcome::acknowledged, report.partition.raw(), report.offset.raw(), latency,
            {}};
        if (report.outcome == Outcome::acknowledged) {
          ++ledger->acknowledged;
          ledger->latencies.add(latency);
        } else {
          out.outcome =
              report.outcome == Outcome::failed ? SendOutcome::failed : SendOutcome::unknown;
          ++(report.outcome == Outcome::failed ? ledger->failed : ledger->unknown);
          out.error = words_of(report.error);
          if (ledger->problem.empty()) ledger->problem = out.error;
        }
        const bool good = report.outcome == Outcome::acknowledged;
        if (ledger->reports.size() < reports_kept_max * (good ? 1U : 2U)) {
          ledger->reports.push_back(std::move(out));
        }
        if (ledger->told) return;
        ledger->told = true;
        static_cast<void>(inbox->try_push([] {}));  // The turn that it wakes looks at all ledgers.
      });
  if (!accepted) {
    if (accepted.error().code == Errc::throttled) return Step::wait;
    end(job, JobState::failed, words_of(accepted.error()));
    return Step::over;
  }
  ++job.shown.sent;
  job.line.reset();
  if (!job.lines) job.shown.done_of_total = job.shown.sent;
  return Step::sent;
}

void ProducerFeed::read_ledger(Job& job) {
  const std::lock_guard lock(job.ledger->mutex);
  job.ledger->told = false;
  job.shown.acknowledged = job.ledger->acknowledged;
  job.shown.failed = job.ledger->failed;
  job.shown.unknown = job.ledger->unknown;
  job.shown.latencies = job.ledger->latencies;
  if (job.shown.reports->size() != job.ledger->reports.size()) {
    job.shown.reports = std::make_shared<const std::vector<SendReport>>(job.ledger->reports);
  }
  if (job.shown.problem.empty()) job.shown.problem = job.ledger->problem;
}

void ProducerFeed::end(Job& job, JobState state, std::string problem) {
  job.shown.state = state;
  job.shown.took = context_->now.monotonic - job.begun;
  if (job.shown.problem.empty()) job.shown.problem = std::move(problem);
  job.lines.reset();
  changed_ = true;
  context_->dirty = true;
}

std::shared_ptr<const ProducingView> ProducerFeed::view() {
  if (!changed_ && view_) return view_;
  changed_ = false;
  auto view = std::make_shared<ProducingView>();
  for (const Job& job : jobs_) view->jobs.push_back(job.shown);
  view_ = view;
  return view_;
}

}  // namespace pinion::gui
