-- Settles what has ended, fires schedules, and claims what is due: the heart of a drain.
-- ARGV: now, resend (1 where an earlier send may have arrived), nonce,
--   limit of jobs (-1: does not look at what comes next either), whether to count what is left, lease ms, retention ms, bytes at most,
--   whether it may sweep, whether it may meet keys of flow control, whether it may fire schedules that code declares,
--   whether it observes: keeps the order of completed jobs, and figures by name (each of these five, and the count, 0 or 1),
--   number of outcomes, then for each: 'completed' | 'retried' | 'returned' | 'dead', id, lease score, new score (of one that dies when, and the score of its group after a space), record,
--     for how long it waited and ran in ms, and to which counts of the two histograms that belongs (where no attempt was made: '', when
--     it was claimed, or '' if it has no key, '', ''),
--     '2:ORDER:KEY:...:' of its key of flow control ('' for none), record with which it was born leased ('' where it was not)
--   number of jobs that outcomes make, then for each: place of its outcome, id, score, record
--   number of names of jobs, then for each: name, hash, place as far as the caller knows it (''); if there are any, then for each outcome: which name ('' for none)
--   number of running jobs that are watched, then their names in `due`
--   number of schedules, then for each: key, slot score, next score, record,
--     id of the job that must not be alive ('' for none), record if it is, number of jobs, then for each: id, score, record,
--     KEY:CONCURRENCY:RATE:PERIOD:ORDERED: of its key of flow control ('' for none)
-- Returns: paused (0 or 1; 2 where it has left out keys that it may not meet), score that comes next ('' for none),
--   how many more are due (0 where they were not to be counted),
--   1 or 0 for each outcome (0: its lease was lost), 'fired' | 'skipped' | 'stale' for each schedule,
--   number of jobs taken, then for each: id (' born:ID' where it was made here, ' fired:ID' where an earlier send has made it), lease score,
--     record, score at which it was due,
--   number of names whose places the caller does not know, then for each: name, place ('' if it has none),
--   number of watched names that are not there, then these: nothing where no outcome had to be read,
--   then for each schedule due that was not fired here: key, slot score, record
local now, resend, nonce, limit = tonumber(ARGV[1]), ARGV[2] == '1', tonumber(ARGV[3]), tonumber(ARGV[4])
local counts, lease_ms = ARGV[5] == '1', tonumber(ARGV[6])
local retention_ms, bytes_left, may_sweep = tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9] == '1'
local may_meet_keys, may_fire_declared = ARGV[10] == '1', ARGV[11] == '1'
local observes = ARGV[12] == '1'
local observed = observes and retention_ms > 0
local cursor = 12
local function argument()
  cursor = cursor + 1
  return ARGV[cursor]
end

local reply = { 0, '', 0 }
local DAY_MS = 86400000

-- Records that this exchange has written: to claim one takes no reading.
local written = {}

-- include: _windows.lua
-- include: _figures.lua
-- include: _tally.lua
-- include: _settle.lua
-- include: _fire.lua

local FIRED = ' fired:'
local jobs_taken, taken, leases, slots, orphans, adopted = 0, {}, {}, {}, {}, {}
-- For a ZADD of `due` that puts jobs back in line.
local unclaimed = {}
local function lease(id, score, record, leased, index, member)
  local last = jobs_taken * 4
  jobs_taken = jobs_taken + 1
  taken[last + 1], taken[last + 2], taken[last + 3], taken[last + 4] = id, leased, record, score
  leases[last + 1], leases[last + 2], leases[last + 3], leases[last + 4] = leased, id, index, member or LEASE .. id
end

local function index_score(ends)
  return whole(UPPER + ends * 1024 + nonce)
end

-- include: _planned_occurrences.lua
-- include: _claim.lua

-- Of what has ended. A job may have been made anew under its id.
local function remove_records()
  local gone = {}
  for _, id in ipairs(left) do
    if not written[id] then push(gone, id) end
  end
  surely('HDEL', jobs, gone)
end

local has_leased = false
local function work()
  settle()
  fire()
  local recovered = resend and limit > 0 and recover() or 0
  if limit >= 0 then claim(math.max(limit - recovered, 0)) end
  store_lanes(now)
  call_many('HSET', jobs, adopted)
  call_many('ZADD', due, leases)
  has_leased = true
  leave_lines()
end

local done_well, problem = pcall(work)
if not done_well then
  if not (checkpoint and pcall(restore_checkpoint)) then
    pcall(put_leases_back)
  elseif has_leased then
    try_many('ZADD', due, unclaimed)
    try_many('ZADD', due, stored_marks(checkpoint.text))
  end
  error(problem, 0)
end
-- A member without a record can come of eviction alone; left there, it would stand in the way of all others.
surely('ZREM', due, orphans)
forget(forgotten, idle)
remove_records()

push(reply, jobs_taken)
local before = #reply
for i = 1, jobs_taken * 4 do reply[before + i] = taken[i] end
for _, name in ipairs(named) do
  local place = name.place and name.place < MOST_NAMES and whole(name.place) or ''
  if place ~= name.known then push(learned, name.text, place) end
end
push(reply, #learned / 2)
for _, value in ipairs(learned) do push(reply, value) end
push(reply, #missing)
for _, name in ipairs(missing) do push(reply, name) end
for _, value in ipairs(slots) do push(reply, value) end
return reply
