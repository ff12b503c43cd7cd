-- Settles what has ended. An outcome counts only if the lease that it names is still the one stored.

-- What the accepted outcomes write, each for one command: HSETEX of `done`, ZADD of `done:order`, HSET of `dead:jobs`,
-- ZADD of `dead`, HSET of `jobs`, ZADD and ZREM of `due`: the names of jobs that were born leased stand apart.
local finished, ended, buried, died, kept, waiting, gone, gone_births = {}, {}, {}, {}, {}, {}, {}, {}
-- The leases of jobs with keys that have ended, for a ZADD of `due` that puts them back.
local ended_leases = {}

-- A score is text, which need not be written the same way by whoever wrote it.
local function is_same(stored, score)
  return stored == score or (stored and tonumber(stored) == tonumber(score))
end

local function index_of_lease(lease)
  return whole(UPPER + unpack_score(tonumber(lease)) * 1024)
end

-- The job of an occurrence may have been made a second time, where its schedule was removed and stored again. Then the
-- name is that of another lease, whose end stands in its index.
local function put_back(name)
  local range = call('ZRANGE', due, whole(UPPER), '(' .. whole(IN_LINE), 'BYSCORE', 'WITHSCORES')
  for i = 1, #range, 2 do
    if indexed(range[i]) == name then
      call('ZADD', due, whole(pack(unpack_score(tonumber(range[i + 1]) - UPPER), 1, 1)), name)
    end
  end
end

-- Where a job that was born leased completes alone, to remove its name is to have held its lease. Returns what puts it
-- back.
local function remove_alone()
  local lease, index = held_leases[1], born_index(ids[1], births[1])
  local removed = call('ZREM', due, names[1], index)
  if removed == 1 then put_back(names[1]) end
  local name = figures.names[1]
  if name and name.known ~= '' then
    name.place = tonumber(name.known)
    figures.is_place_known = true
  end
  return { removed == 2 and lease }, { lease, names[1], index_of_lease(lease), index }
end

-- Reads the leases that are stored: of the outcomes, then of the jobs that these make. The same command finds the
-- figures of names, and which of the watched jobs are gone.
local function read_leases(number, follow_ups, watched)
  local members = names
  for _, job in ipairs(follow_ups) do push(members, job.id) end
  push_marks(members)
  local unwatched = #members
  for n, name in ipairs(watched) do members[unwatched + n] = name end
  local stored = read_many('ZMSCORE', due, members, 2 * PIECE)
  for n, name in ipairs(watched) do
    if not stored[unwatched + n] then push(missing, name) end
  end
  note_places(stored, number + #follow_ups)
  return stored
end

-- Where the state of keys cannot be stored, their jobs go on holding the leases that it counts: an outcome that is sent
-- again finds them, and so does a claim once they run out. No HSET is needed for that.
function put_leases_back()
  call_many('ZADD', due, ended_leases)
  call_many('ZADD', due, stored_marks())
end

-- Notes what only jobs with keys have, and those that were born leased.
local function accept_more(i)
  local index = births[i] and born_index(ids[i], births[i]) or LEASE .. ids[i]
  if births[i] then push(gone_births, names[i], index) end
  if heads[i] then
    local lane = lane_of[flow_of(heads[i])]
    finish(lane)
    if unattempted[i] then take_back_start(lane, unattempted[i]) end
    push(ended_leases, held_leases[i], names[i], index_of_lease(held_leases[i]), index)
  end
end

-- Accepts an outcome whose lease holds.
local function accept(i, stored)
  local id = ids[i]
  if has_outcome[id] or not is_same(stored, held_leases[i]) then return false end
  has_outcome[id], accepted[i] = true, true
  reply[3 + i] = 1
  if heads[i] or births[i] then accept_more(i) end
  return true
end

-- The loop of a plain backlog: it writes at places that it counts, which takes half of the time of `push`.
local function complete(stored)
  local done_so_far, leaving = 0, 0
  for i = first.completed, last.completed do
    if accept(i, stored[i]) then
      local id = ids[i]
      done_so_far = done_so_far + 1
      finished[2 * done_so_far - 1], finished[2 * done_so_far] = id, records[i]
      ended[2 * done_so_far - 1], ended[2 * done_so_far] = scores[i], id
      if not births[i] then
        leaving = leaving + 1
        left[leaving] = id
        gone[2 * leaving - 1], gone[2 * leaving] = id, LEASE .. id
      end
    end
  end
end

-- The job waits again, in the line of its key if it has one.
local function wait_again(stored)
  for i = first.retried, last.returned do
    if accept(i, stored[i]) then
      local id, score, record = ids[i], scores[i], records[i]
      if heads[i] then
        local key, order = flow_of(heads[i])
        insert(lane_of[key], order, tonumber(score), id)
        score, record = whole(IN_LINE + score), heads[i] .. record
      end
      push(waiting, score, id, whole(UPPER), LEASE .. id)
      push(kept, id, record)
      written[id] = record
    end
  end
end

local function die(stored)
  for i = first.dead, last.dead do
    if accept(i, stored[i]) then
      local id, at, group = ids[i], string.match(scores[i], '^(%S+) (%S+)$')
      if at then push(died, at, id, group, entry_of(at, id)) else push(died, scores[i], id) end
      push(buried, id, (heads[i] or '') .. records[i])
      if not births[i] then
        push(left, id)
        push(gone, id, LEASE .. id)
      end
    end
  end
end

-- On a resend a lease is gone because the first send settled it: then what that one wrote is in this hash. It is read
-- at once, since each command is billed.
local function recognise(from, to, hash, stored)
  local places, unsure = {}, {}
  for i = from, to do
    if not accepted[i] then
      -- An earlier send may have failed before it removed the record.
      if hash ~= jobs and not stored[i] and not births[i] then push(left, ids[i]) end
      if hash == done and retention_ms == 0 then
        reply[3 + i] = (stored[i] or (births[i] and call('ZSCORE', due, ids[i]))) and 0 or 1
      else
        push(places, i)
        push(unsure, ids[i])
      end
    end
  end
  for n, record in ipairs(read_many('HMGET', hash, unsure)) do
    local i = places[n]
    -- The record of a completed job does not say which key it had.
    local own = hash == done and records[i] or (heads[i] or '') .. records[i]
    if record == own then reply[3 + i] = 1 end
  end
end

-- Makes the jobs of outcomes whose leases hold. They are written before these leases end: so where a script fails
-- half-way and is sent again, some may be there. One may have been performed by then.
local function follow_up(follow_ups, stored, offset)
  local known = {}
  if resend and #follow_ups > 0 then
    local made = {}
    for n, job in ipairs(follow_ups) do made[n] = job.id end
    for _, hash in ipairs({ done, dead_jobs }) do
      for n, record in ipairs(read_many('HMGET', hash, made)) do known[n] = known[n] or is_own(record, follow_ups[n].record) end
    end
  end
  for n, job in ipairs(follow_ups) do
    if accepted[job.place] and not stored[offset + n] and not known[n] then
      push(waiting, job.score, job.id)
      push(kept, job.id, job.record)
      written[job.id] = job.record
    end
  end
end

-- Keeps completed jobs, and their order. Where that fails, the lease that cannot be put back has ended, and its key
-- must not count it.
local function keep_finished(undo)
  if retention_ms == 0 or #finished == 0 then return end
  local is_kept, refusal = pcall(function()
    set_expiring(done, finished, retention_ms, now)
    if observed then call_many('ZADD', done_order, ended) end
  end)
  if not is_kept then
    if undo and try_many('ZADD', due, undo) then keep_checkpoint(now) end
    error(refusal, 0)
  end
  remove_expired(now)
end

-- Keeps dead jobs. One may be dead already, if its id was made anew: then its earlier death leaves the group that it is
-- in.
local function bury()
  if call_many('HSET', dead_jobs, buried) * 2 < #buried then
    local again, earlier = {}, {}
    for i = 1, #buried, 2 do push(again, buried[i]) end
    for i, at in ipairs(read_many('ZMSCORE', dead, again)) do
      if at then push(earlier, entry_of(at, again[i])) end
    end
    call_many('ZREM', dead, earlier)
  end
  call_many('ZADD', dead, died)
end

-- Of a lone enqueue whose second command never arrived, a record is left that nothing leads to (lone-enqueue.ts). Once
-- a day some of the records are checked: any thousand of them, so that all are in turn. What is younger than an hour
-- may be about to get its place.
local function sweep()
  local old, orphaned = {}, {}
  for _, id in ipairs(call('HRANDFIELD', jobs, PIECE)) do
    local high, low = string.match(id, '^(%x%x%x%x%x%x%x%x)%-(%x%x%x%x)%-7')
    if high and tonumber(high .. low, 16) < now - 3600000 then push(old, id) end
  end
  local stored = read_many('ZMSCORE', due, old)
  for i, id in ipairs(old) do
    if not stored[i] then push(orphaned, id) end
  end
  call_many('HDEL', jobs, orphaned)
end

function settle()
  local number = read_outcomes()
  local follow_ups = read_follow_ups()
  read_figures()
  local watched = arguments(tonumber(argument()))
  local stored, undo
  if number == 1 and births[1] and last.completed == 1 and #follow_ups == 0 and not resend then
    stored, undo = remove_alone()
  else
    stored = read_leases(number, follow_ups, watched)
  end
  local keys = {}
  for _, i in ipairs(keyed) do
    if is_same(stored[i], held_leases[i]) then push(keys, (flow_of(heads[i]))) end
  end
  load_lanes(keys, now)
  for i = 1, number do reply[3 + i] = 0 end
  complete(stored)
  wait_again(stored)
  die(stored)
  if resend then
    recognise(first.completed, last.completed, done, stored)
    recognise(first.retried, last.returned, jobs, stored)
    recognise(first.dead, last.dead, dead_jobs, stored)
  end
  follow_up(follow_ups, stored, number)
  put_marks(waiting, gone)
  keep_finished(undo)
  bury()
  call_many('HSET', jobs, kept)
  call_many('ZADD', due, waiting)
  if not undo then
    for _, member in ipairs(gone_births) do push(gone, member) end
  end
  surely('ZREM', due, gone)
  keep_checkpoint(now)
  local swept_on = tally(number)
  if swept_on and swept_on > 0 and swept_on < math.floor(now / DAY_MS) then sweep() end
end
