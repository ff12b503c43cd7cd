-- Settles what has ended, fires schedules, and claims what is due: one round trip of a drain. To settle is to take a
--   job out of `due`,
-- or to move it to when it runs again. To claim is to move it to the end of its lease.
--
-- ARGV: now, resend (1 if an earlier send may have arrived), nonce,
--   limit of jobs (-1: does not look at what comes next either), whether to count what is left, lease ms, retention ms,
--     bytes at most,
--   whether it may sweep, whether it may meet keys of flow control, whether it may fire schedules that code declares,
--   whether it observes: keeps the order of completed jobs, and figures by name (each of these five, and the count, 0
--     or 1),
--   how many outcomes are 'completed', 'retried', 'returned' and 'dead', then of all of them, in this order: the ids,
--     the scores of their
--     leases, their new scores (of one that dies when, and the score of its group after a space), and the records,
--   number of outcomes that have more, then for each: its place, '2:ORDER:KEY:...:' of its key of flow control ('' for
--     none), when its job
--     was claimed if it has a key and no attempt was made (''), record with which it was born leased ('' if it was
--       not),
--   number of jobs that outcomes make, then for each: place of its outcome, id, score, record,
--   figures: for how long attempts waited and ran in ms; of the queue the number of counts, then for each: figure, how
--     many; a text of
--     what each outcome counts (_figures.lua); number of names, then for each: name, hash, place as far as the caller
--       knows it (''), number
--     of counts, then for each: figure, how many,
--   number of running jobs that are watched, then their names in `due`,
--   number of schedules, then for each: key, slot score, next score, record,
--     id of the job that must not be alive ('' for none), record if it is, number of jobs, then for each: id, score,
--       record,
--     KEY:CONCURRENCY:RATE:PERIOD:ORDERED: of its key of flow control ('' for none)
-- Returns: paused (0 or 1; 2 where it has left out keys that it may not meet), score that comes next ('' for none),
--   how many more are due (0 where they were not to be counted),
--   1 or 0 for each outcome (0: its lease was lost), 'fired' | 'skipped' | 'stale' for each schedule,
--   how many members of `due` it has dropped because their records are gone,
--   number of jobs taken, then for each: id (' born:ID' where it was made here, ' fired:ID' where an earlier send has
--     made it), lease score,
--     record, score at which it was due,
--   number of names whose places the caller does not know, then for each: name, place ('' if it has none),
--   number of watched names that are not there, then these: nothing where no outcome had to be read,
--   then for each schedule due that was not fired here: key, slot score, record
local cursor = 0
local function argument()
  cursor = cursor + 1
  return ARGV[cursor]
end

local function arguments(number)
  local values = {}
  for i = 1, number do values[i] = ARGV[cursor + i] end
  cursor = cursor + number
  return values
end

local function flag_argument() return argument() == '1' end

local now = tonumber(argument())
local resend = flag_argument()
local nonce = tonumber(argument())
local limit = tonumber(argument())
local counts = flag_argument()
local lease_ms = tonumber(argument())
local retention_ms = tonumber(argument())
local bytes_left = tonumber(argument())
local may_sweep = flag_argument()
local may_meet_keys = flag_argument()
local may_fire_declared = flag_argument()
local observes = flag_argument()
local observed = observes and retention_ms > 0

local reply = { 0, '', 0 }
local DAY_MS = 86400000

-- Records that this exchange has written: to claim one takes no reading.
local written = {}

-- include: _windows.lua
-- include: _figures.lua

-- Ids of jobs that have ended, whose records go last of all.
local left = {}
-- The watched jobs that are not there.
local missing = {}
local settle, put_leases_back
-- A function of Lua has room for 200 local names: those of settling end with this block.
do
  -- include: _outcomes.lua
  -- include: _tally.lua
  -- include: _settle.lua
end
-- include: _fire.lua

local FIRED = ' fired:'
local jobs_taken, leases, slots, orphans, adopted = 0, {}, {}, {}, {}
-- Where the jobs that are taken begin in the reply, behind two counts.
local taken_from
local evicted = 0
-- For a ZADD of `due` that puts jobs back in line.
local unclaimed = {}
local function lease(id, score, record, leased, index, member)
  local last = jobs_taken * 4
  local at = taken_from + last
  jobs_taken = jobs_taken + 1
  reply[at + 1], reply[at + 2], reply[at + 3], reply[at + 4] = id, leased, record, score
  leases[last + 1], leases[last + 2], leases[last + 3], leases[last + 4] = leased, id, index, member or LEASE .. id
end

local function index_score(ends)
  return whole(UPPER + ends * 1024 + nonce)
end

local recover, claim
do
  -- include: _planned_occurrences.lua
  -- include: _claim.lua
end

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
  push(reply, 0, 0)
  taken_from = #reply
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

reply[taken_from - 1], reply[taken_from] = evicted, jobs_taken
for _, name in ipairs(figures.names) do
  local place = name.place and name.place < MOST_NAMES and whole(name.place) or ''
  if place ~= name.known then push(learned, name.text, place) end
end
push(reply, #learned / 2)
for _, value in ipairs(learned) do push(reply, value) end
push(reply, #missing)
for _, name in ipairs(missing) do push(reply, name) end
for _, value in ipairs(slots) do push(reply, value) end
return reply
