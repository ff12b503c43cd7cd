-- An exchange: one round trip of a drain. It settles outcomes, fires schedules, and claims what is due. This file is
-- the frame; the files that it includes do the work. To claim a job is to move it in `due` to the end of its lease (the
-- visibility timeout), so that no other drain gets it until then. To settle it is to take it out, or to move it to its
-- next run time. docs/internals/storage.md describes all keys. The members of `due`, by their scores:
--   0 to 2^52     jobs at their run times or the ends of their leases, schedules, ' lane:KEY'
--   2^52          ' lease:ID', schedules without a next occurrence, and keys that only an outcome can start
--   2^53          jobs that wait in the line of a key
--   2^54          ' turn:KEY', the twin of ' lane:KEY'
--   2^54 + 2^53   ' wait:EVENT\nID'
--   2^55, 2^56    ' name:NAME', ' used'
--
-- Each phase reads, decides, and only then writes. A script may stop half-way (_prelude.lua), so this is the order:
--   settle, fire   Records, lines, and members of `due`: what a member leads to is there before it. Members of ended
--                  jobs leave `due` after that, and children are counted last: a parent may wait too long, but does not
--                  start too early.
--   claim          Records of jobs that it makes, leases, the slots that these take, and what leaves lines and `due`.
--   the end        Records of ended jobs, since a claim may have made them anew; signals, families, and metrics.
--
-- Types of arguments: scripts/generate/schema.ts. A column holds one field of all rows.
-- @arg now number, resend flag, nonce number, retention_ms number
-- @arg limit number  most jobs to claim; -1 does not look at what is due
-- @arg count_backlog flag, lease_ms number
-- @arg bytes_left number  most bytes of claimed records
-- @arg fires_declared flag  may fire schedules that code declares
-- @arg run_ms number?  for how long a slot of a key takes jobs; none: it takes one
-- @arg usual_pace number?  how long a job takes if its key does not know, in tenths of a ms
-- @arg most_startable number?  how many jobs the caller can start at once
-- @arg outcomes columns(kind:completed|retried|returned|dead|expired* id lease:digits* score* record)  (_settle.lua)
-- @arg keyed rows(outcome:number prefix claimed_at:number? ran_ms:number?)
-- @arg follow_ups rows(outcome:number id score:digits record flow family)  jobs that outcomes make
-- @arg waited_ms number, ran_ms number, counts text, each text, names rows(text counts)  (_metrics.lua)
-- @arg watched list(text)  ids of jobs that run
-- @arg waits rows(outcome:number now_waits has_waited)  (_waits.lua)
-- @arg fires rows(key occurrence:digits next:digits record unless skipped)  (_fire.lua)
-- @arg fired_jobs rows(fire:number id score:digits record flow)
-- @reply paused flag, paused_jobs list(text), next_score number?  paused job types; of what is due next
-- @reply backlog number  how many more are due than it claimed; 0 if not counted
-- @reply evicted number  how many members had lost their records
-- @reply settled list(number)  0: refused, its lease is gone; 1: accepted; 2: and its job got a signal
-- @reply fired list(fired|skipped|stale)
-- @reply claimed rows(name record score:number)  id, or ' made:ID' if this claim made the job; when it was due
-- @reply recovered_leases list(number)  the new scores of the first jobs, which an earlier send has claimed. The
--   others are leased for `lease_ms`, and claimed once more than when they were due.
-- @reply runs rows(key ends_at:number slots:number? begins_before:number? is_awaited:flag?)  the jobs of a key whose
--   leases end then: how many of them may run at once, when those that have not begun go back, and whether others wait
--   for their slots (_runs.lua)
-- @reply gone list(text)  watched jobs that are gone
-- @reply due_schedules rows(key score:number record)  those that it did not fire

-- Records that this exchange has written or read: it need not read them to claim their jobs.
local known = {}

local paused, next_score, backlog, evicted = 0, '', 0, 0
local paused_jobs, settled, fired, claimed = {}, {}, {}, {}
local recovered_leases, runs, gone, due_schedules = {}, {}, {}, {}

-- The ids of jobs that have ended. Their records go last of all.
local ended_ids = {}
local settle, clean_up, tally

-- include: _windows.lua
-- A function of Lua has room for 200 local names: those of settling end with this block.
do
  -- Outcomes come in columns: ids[3] and records[3] belong to the third one. The new score of a dead job is when it
  -- became dead, and after a space the score of its group.
  local ids, held_leases, scores, records = outcomes.id, outcomes.lease, outcomes.score, outcomes.record
  -- Which of them count, and how many do.
  local accepted, settled_now = {}, 0
  local begin_wait, end_waits, take_signals
  do
    -- include: _waiting.lua
    -- include: _waits.lua
  end
  -- include: _families.lua
  -- include: _metrics.lua
  -- include: _settle.lua
end
-- include: _fire.lua

local jobs_taken = 0
local leases = {} -- ZADD of `due`
local made = {} -- HSET of `jobs`: the records of jobs that the claim makes
-- For a ZREM of `due`: members without a record, which only eviction leaves, and the marks of keys that are idle now.
local leaving_due = {}

-- Adds to the claimed jobs. It writes at positions that it counts, which takes half of the time of `push`.
local function lease(name, score, record, leased, id, index, index_member)
  local at = jobs_taken * 3
  local last = jobs_taken * 4
  jobs_taken = jobs_taken + 1
  claimed[at + 1], claimed[at + 2], claimed[at + 3] = name, record, score
  leases[last + 1], leases[last + 2], leases[last + 3], leases[last + 4] = leased, id, index, index_member
end

-- How the reply marks a job that the claim has made. In the index of leases, such a job has an odd nonce.
local MADE = ' made:'
local function index_score(ends, is_made)
  return whole(UPPER + ends * 1024 + nonce + (is_made and 1 or 0))
end

-- Takes room in the reply for one more record, if there is any. There always is for the first one.
local function take_room(record)
  bytes_left = bytes_left - #record
  return bytes_left >= 0 or jobs_taken == 0
end

local recover, claim, describe_runs
do
  local is_schedule_astray, fire_planned
  do
    -- include: _planned_occurrences.lua
  end
  -- include: _claim.lua
end

-- What `recover` and `claim` have decided.
local function write_claim()
  store_new(made)
  -- Leases come before the slots that they take: a job that has left its line without a lease would be lost.
  call_many('ZADD', due, leases)
  store_keys(now)
  leave_lines()
  call_many('ZREM', due, leaving_due)
  forget_keys()
end

settle()
fire()
local recovered = resend and limit > 0 and recover() or 0
if limit >= 0 then claim(math.max(limit - recovered, 0)) end
describe_runs()
write_claim()
clean_up()
tally()
return { paused, paused_jobs, next_score, backlog, evicted, settled, fired, claimed, recovered_leases, runs, gone, due_schedules }
