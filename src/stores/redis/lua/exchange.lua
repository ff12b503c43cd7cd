-- Settles what has ended, fires schedules, and claims what is due: the heart of a drain.
-- ARGV: now, resend (1 where an earlier send may have arrived), nonce, limit (-1: does not look at what comes next either), whether to count what is left (0 or 1), lease ms, retention ms, bytes at most, whether it may sweep (0 or 1), whether it may meet keys of flow control (0 or 1), whether it may fire schedules that code declares (0 or 1), whether it observes (0 or 1): keeps the order of completed jobs, and figures by name,
--   number of outcomes, then for each: 'completed' | 'retried' | 'returned' | 'dead', id, lease score, new score (of one that dies when, and the score of its group after a space), record,
--     for how long it waited and ran in ms, and to which counts of the two histograms that belongs (all '' where none was timed),
--     '2:ORDER:KEY:...:' of its key of flow control ('' for none), record with which it was born leased ('' where it was not)
--   number of jobs that outcomes make, then for each: place of its outcome, id, score, record
--   number of names of jobs, then for each: name, hash, place as far as the caller knows it (''); if there are any, then for each outcome: which name ('' for none)
--   number of running jobs that are watched, then their names in `due`
--   number of schedules, then for each: key, slot score, next score, record,
--     id of the job that must not be alive ('' for none), record if it is, number of jobs, then for each: id, score, record,
--     KEY:CONCURRENCY:RATE:PERIOD:ORDERED: of its key of flow control ('' for none)
-- Returns: paused (0 or 1; 2 where it has left out keys that it may not meet), score that comes next ('' for none), how many more are due (0 where they were not to be counted),
--   1 or 0 for each outcome (0: its lease was lost), 'fired' | 'skipped' | 'stale' for each schedule,
--   number of jobs taken, then for each: id (' born:ID' where it was made here, ' fired:ID' where an earlier send has made it), lease score, record, score at which it was due,
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

-- 1. Settle. An outcome counts only if the lease that it names is still the one stored.

-- On a resend a lease is gone because the first send settled it: then what that one wrote is there. What each hash is to hold is
-- read at once, since each command is billed.
local function recognise(unsure)
  for hash, outcomes in pairs(unsure) do
    for i, stored in ipairs(read_many('HMGET', hash, outcomes.ids)) do
      if stored == outcomes.records[i] then reply[outcomes.places[i]] = 1 end
    end
  end
end

-- A score is text, which need not be written the same way by whoever wrote it.
local function is_same(stored, score)
  return stored == score or (stored and tonumber(stored) == tonumber(score))
end

-- include: _windows.lua
-- include: _figures.lua

-- Counts what was settled, in all, in this minute and in other windows, and how long it took: one command. Gives the day of the last
-- sweep, if known.
local function tally(count, added, all, named)
  if count.completed + count.retried + count.dead == 0 and not next(added) then return nil end
  local minute, day = math.floor(now / 60000), math.floor(now / DAY_MS)
  local adding, windows, checked = {}, {}, named.are_remembered and 1 or 0
  if checked == 1 then push(adding, 'GET', 'u32', byte_of(named[1].place) * 8) end
  -- The order of completed jobs is trimmed once in the time that they are kept, but at most once an hour, and once a day at least.
  local period = math.floor(now / math.min(math.max(retention_ms, 3600000), DAY_MS))
  if may_sweep then push(adding, 'SET', 'u32', SWEPT_ON, day) end
  if may_sweep and observed then push(adding, 'SET', 'u32', TRIMMED_IN, period) end
  local function increase(bits, counter, by)
    push(adding, 'INCRBY', bits, counter, by)
  end
  if count.completed > 0 then increase('i64', PROCESSED, count.completed) end
  if count.retried > 0 then increase('i64', RETRIED, count.retried) end
  for counter, by in pairs(added) do increase('i64', '#' .. counter, by) end
  -- The count of an earlier minute goes without anybody having to read which it was: with the minute in front a pair is one number, and
  -- what is less than this minute comes to 0 when that is taken away.
  push(adding, 'OVERFLOW', 'SAT')
  for i, by in ipairs({ count.completed, count.retried, count.dead }) do
    local at = MINUTES + minute % MINUTES_KEPT * 6 + (i - 1) * 2
    if by > 0 then
      increase('u63', at * 32 + 1, '-' .. whole(minute * 4294967296))
      push(adding, 'SET', 'u32', '#' .. at, minute)
      increase('u32', '#' .. at + 1, by)
    end
  end
  -- Of a job that was born leased nothing has been read.
  if may_sweep and checked == 0 and not named.placed then read_places(named) end
  give_places(named)
  add_to_window(windows, HOURS, 0, all)
  add_to_names(windows, named)
  local answers = add_up(adding, windows)
  local swept_on, trimmed_in = answers[checked + 1], answers[checked + 2]
  -- The database was emptied since the caller learned the place.
  if checked == 1 and answers[1] ~= tonumber(named[1].hash) then
    take_back(named[1], answers[1])
    named[1].place = nil
    if may_sweep then
      windows = {}
      read_places(named)
      give_places(named)
      add_to_names(windows, named)
      add_up({ 'OVERFLOW', 'SAT' }, windows)
    end
  end
  if may_sweep and observed and trimmed_in > 0 and trimmed_in ~= period then
    call('ZREMRANGEBYSCORE', done_order, '-inf', '(' .. whole(now - retention_ms - 3600000))
  end
  return may_sweep and swept_on
end

-- Of a lone enqueue whose second command never arrived, a record is left that nothing leads to (lone-enqueue.ts). Once a day some of the
-- records are checked: any thousand of them, so that all are in turn. What is younger than an hour may be about to get its place.
local function sweep()
  local old, orphaned = {}, {}
  for _, id in ipairs(call('HRANDFIELD', jobs, PIECE)) do
    local high, low = string.match(id, '^(%x%x%x%x%x%x%x%x)%-(%x%x%x%x)%-7')
    if high and tonumber(high .. low, 16) < now - 3600000 then push(old, id) end
  end
  local scores = read_many('ZMSCORE', due, old)
  for i, id in ipairs(old) do
    if not scores[i] then push(orphaned, id) end
  end
  call_many('HDEL', jobs, orphaned)
end

-- Makes the jobs of outcomes whose leases hold. They are written before these leases end: so where a script fails half-way and is sent
-- again, some may be there. One may have been performed by then.
local function follow_up(jobs_to_make, scores, offset, seen, waiting, kept)
  local ids, known = {}, {}
  for n, job in ipairs(jobs_to_make) do ids[n] = job.id end
  if resend and #ids > 0 then
    for _, hash in ipairs({ done, dead_jobs }) do
      for n, stored in ipairs(read_many('HMGET', hash, ids)) do known[n] = known[n] or is_own(stored, jobs_to_make[n].record) end
    end
  end
  for n, job in ipairs(jobs_to_make) do
    if seen[job.place] and not scores[offset + n] and not known[n] then
      push(waiting, job.score, job.id)
      push(kept, job.id, job.record)
      written[job.id] = job.record
    end
  end
end

-- The job of an occurrence may have been made a second time, where its schedule was removed and stored again. Then the name is that of
-- another lease, whose end stands in its index.
local function put_back(name)
  local range = call('ZRANGE', due, whole(UPPER), '(' .. whole(IN_LINE), 'BYSCORE', 'WITHSCORES')
  for i = 1, #range, 2 do
    if indexed(range[i]) == name then
      call('ZADD', due, whole(pack(unpack_score(tonumber(range[i + 1]) - UPPER), 1, 1)), name)
    end
  end
end

-- Keeps dead jobs. One may be dead already, if its id was made anew: then its earlier death leaves the group that it is in.
local function bury(buried, died)
  if call_many('HSET', dead_jobs, buried) * 2 < #buried then
    local ids, earlier = {}, {}
    for i = 1, #buried, 2 do push(ids, buried[i]) end
    for i, at in ipairs(read_many('ZMSCORE', dead, ids)) do
      if at then push(earlier, entry_of(at, ids[i])) end
    end
    call_many('ZREM', dead, earlier)
  end
  call_many('ZADD', dead, died)
end

-- Keeps completed jobs, and their order.
local function keep(finished, ended)
  set_expiring(done, finished, retention_ms, now)
  if observed then call_many('ZADD', done_order, ended) end
end

-- Counts an outcome, and to which counts of the histograms its attempt belongs.
local function note(figures, to, waited_count, ran_count)
  local figure = FIGURE_OF[to]
  if figure then figures[figure] = (figures[figure] or 0) + 1 end
  if waited_count == '' then return end
  local waited, ran = FIRST_WAITING + waited_count - WAITING - 1, FIRST_RUNNING + ran_count - RUNNING - 1
  figures[waited] = (figures[waited] or 0) + 1
  figures[ran] = (figures[ran] or 0) + 1
end

local function index_of_lease(lease)
  return whole(UPPER + unpack_score(tonumber(lease)) * 1024)
end

-- The names of the jobs that were settled, and those whose places a claim has read.
local named, learned, missing = {}, {}, {}

-- Ids of jobs that have ended, whose records go last of all. And the leases of jobs with keys that have ended, for a ZADD of `due` that
-- puts them back.
local left, ended_leases = {}, {}

-- Where the state of keys cannot be stored, their jobs go on holding the leases that it counts: an outcome that is sent again finds
-- them, and so does a claim once they run out. No HSET is needed for that.
local function put_leases_back()
  call_many('ZADD', due, ended_leases)
  call_many('ZADD', due, stored_marks())
end

-- Of each outcome eleven values stand in ARGV. This loop and the one that leases run for every job: what they do by hand and at
-- fixed places would cost twice as much through functions and tables.
local function settle()
  local number, before = tonumber(argument()), cursor
  cursor = before + number * 11
  local names = {}
  for i = 1, number do
    local id, first = ARGV[before + i * 11 - 9], ARGV[before + i * 11]
    names[i] = first == '' and id or BORN .. id
  end
  local follow_ups = {}
  for n = 1, tonumber(argument()) do
    follow_ups[n] = { place = tonumber(argument()), id = argument(), score = argument(), record = argument() }
    names[number + n] = follow_ups[n].id
  end
  for n = 1, tonumber(argument()) do
    named[n] = { text = argument(), hash = argument(), known = argument(), figures = {} }
  end
  local which_at, all, added = cursor, {}, {}
  if #named > 0 then cursor = cursor + number end
  local watched = {}
  for n = 1, tonumber(argument()) do watched[n] = argument() end
  local function add_to(counter, by)
    added[counter] = (added[counter] or 0) + by
  end
  -- Where a job that was born leased completes alone, to remove its name is to have held its lease.
  local held, alone
  if number == 1 and #follow_ups == 0 and not resend and ARGV[before + 1] == 'completed' and ARGV[before + 11] ~= '' then
    local lease = ARGV[before + 3]
    local index = born_index(ARGV[before + 2], ARGV[before + 11])
    alone = { lease, names[1], index_of_lease(lease), index }
    local removed = call('ZREM', due, names[1], index)
    if removed == 1 then put_back(names[1]) end
    held = { removed == 2 and lease }
    if named[1] and named[1].known ~= '' then
      named.are_remembered, named[1].place = true, tonumber(named[1].known)
    end
  else
    push_marks(names, named)
    local unwatched = #names
    for n, name in ipairs(watched) do names[unwatched + n] = name end
    held = read_many('ZMSCORE', due, names, 2 * PIECE)
    for n, name in ipairs(watched) do
      if not held[unwatched + n] then push(missing, name) end
    end
    note_places(named, held, number + #follow_ups)
  end
  local seen, keys = {}, {}
  for i = 1, number do
    local head = ARGV[before + i * 11 - 1]
    if head ~= '' and is_same(held[i], ARGV[before + i * 11 - 8]) then push(keys, (flow_of(head))) end
  end
  load_lanes(keys)
  local count = { completed = 0, retried = 0, returned = 0, dead = 0 }
  local gone, gone_born, waiting, kept, finished, died, buried, unsure, ended = {}, {}, {}, {}, {}, {}, {}, {}, {}
  local settled = 0
  for i = 1, number do
    local to, id, lease, score, record = unpack(ARGV, before + i * 11 - 10, before + i * 11 - 6)
    local head, first = ARGV[before + i * 11 - 1], ARGV[before + i * 11]
    local key, order = flow_of(head)
    -- The record of a completed job need not say which key it had.
    if key and to ~= 'completed' then record = head .. record end
    if is_same(held[i], lease) and not seen[id] then
      reply[3 + i] = 1
      seen[id], seen[i] = true, true
      count[to] = count[to] + 1
      local name = named[tonumber(ARGV[which_at + i])]
      local waited, ran, waited_count, ran_count = unpack(ARGV, before + i * 11 - 5, before + i * 11 - 2)
      if waited ~= '' then
        add_to(WAITING, waited)
        add_to(waited_count, 1)
        add_to(RUNNING, ran)
        add_to(ran_count, 1)
      end
      note(all, to, waited_count, ran_count)
      if name then note(name.figures, to, waited_count, ran_count) end
      if key then
        finish(lane_of[key])
        push(ended_leases, lease, names[i], index_of_lease(lease), first == '' and LEASE .. id or born_index(id, first))
      end
      if to == 'completed' or to == 'dead' then
        if first == '' then
          settled = settled + 1
          push(left, id)
          gone[settled * 2 - 1], gone[settled * 2] = id, LEASE .. id
        end
        if to == 'dead' then
          local at, group = string.match(score, '^(%S+) (%S+)$')
          if at then push(died, at, id, group, entry_of(at, id)) else push(died, score, id) end
          push(buried, id, record)
        else
          finished[count.completed * 2 - 1], finished[count.completed * 2] = id, record
        ended[count.completed * 2 - 1], ended[count.completed * 2] = score ~= '' and score or whole(now), id
        end
      else
        if key then insert(lane_of[key], order, tonumber(score), id) end
        push(waiting, key and whole(IN_LINE + score) or score, id, whole(UPPER), LEASE .. id)
        push(kept, id, record)
        written[id] = record
      end
      if first ~= '' and not alone then push(gone_born, names[i], born_index(id, first)) end
    else
      reply[3 + i] = 0
      -- An earlier send may have failed before it removed the record.
      if resend and not held[i] and first == '' and (to == 'completed' or to == 'dead') then push(left, id) end
      if resend and to == 'completed' and retention_ms == 0 then
        reply[3 + i] = (held[i] or (first ~= '' and call('ZSCORE', due, id))) and 0 or 1
      elseif resend then
        local hash = to == 'dead' and dead_jobs or to == 'completed' and done or jobs
        unsure[hash] = unsure[hash] or { ids = {}, records = {}, places = {} }
        push(unsure[hash].ids, id)
        push(unsure[hash].records, record)
        push(unsure[hash].places, 3 + i)
      end
    end
  end
  recognise(unsure)
  follow_up(follow_ups, held, number, seen, waiting, kept)
  put_marks(waiting, gone)
  if retention_ms > 0 and #finished > 0 then
    local is_kept, refusal = pcall(keep, finished, ended)
    if not is_kept then
      -- The lease that cannot be put back has ended, and its key must not count it.
      if alone and try_many('ZADD', due, alone) then keep_checkpoint(now) end
      error(refusal, 0)
    end
    remove_expired(now)
  end
  bury(buried, died)
  call_many('HSET', jobs, kept)
  call_many('ZADD', due, waiting)
  for _, member in ipairs(gone_born) do push(gone, member) end
  surely('ZREM', due, gone)
  keep_checkpoint(now)
  local swept_on = next(seen) and tally(count, added, all, named)
  if swept_on and swept_on > 0 and swept_on < math.floor(now / DAY_MS) then sweep() end
end

-- 2. Fire. A slot makes its jobs only for the one who finds the schedule still standing at it.

local function fire()
  local fires, members, keys = {}, {}, {}
  for i = 1, tonumber(argument()) do
    local schedule = { key = argument(), slot = argument(), next = argument(), record = argument(),
      unless = argument(), skipped = argument(), jobs = {} }
    push(members, SCHEDULE .. schedule.key)
    if schedule.unless ~= '' then push(members, schedule.unless, BORN .. schedule.unless) end
    for j = 1, tonumber(argument()) do
      schedule.jobs[j] = { id = argument(), score = argument(), record = argument(), flow = argument() }
      if schedule.jobs[j].flow ~= '' then push(keys, string.match(schedule.jobs[j].flow, '^[^:]+')) end
      push(members, schedule.jobs[j].id, BORN .. schedule.jobs[j].id)
    end
    fires[i] = schedule
  end
  local scores, at = read_many('ZMSCORE', due, members), {}
  for i, member in ipairs(members) do at[member] = scores[i] end
  load_lanes(keys)
  local moved, records, new_jobs, new_records = {}, {}, {}, {}
  for _, schedule in ipairs(fires) do
    local member = SCHEDULE .. schedule.key
    if not at[member] or tonumber(at[member]) ~= tonumber(schedule.slot) then
      push(reply, 'stale')
    else
      local skipped = schedule.unless ~= '' and (at[schedule.unless] or at[BORN .. schedule.unless])
      push(reply, skipped and 'skipped' or 'fired')
      at[member] = schedule.next
      push(moved, schedule.next, member)
      push(records, schedule.key, skipped and schedule.skipped or schedule.record)
      for _, job in ipairs(skipped and {} or schedule.jobs) do
        if not at[job.id] and not at[BORN .. job.id] then
          at[job.id] = job.score
          local record, score = job.record, job.score
          if job.flow ~= '' then
            local lane, order, head = join(job.flow, false, now)
            insert(lane, order, tonumber(score), job.id)
            record, score = head .. record, whole(IN_LINE + score)
          end
          push(new_jobs, score, job.id)
          push(new_records, job.id, record)
          written[job.id] = record
        end
      end
    end
  end
  for _, value in ipairs(moved) do push(new_jobs, value) end
  put_marks(new_jobs, {})
  call_many('HSET', jobs, new_records)
  call_many('HSET', schedules, records)
  call_many('ZADD', due, new_jobs)
  keep_checkpoint(now)
end

-- 3. Claim: re-score what is due to the end of its lease.

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

-- Whether a claim has made the job: one that was born leased otherwise has an id that was made for it.
local function is_occurrence(name)
  return string.find(name, '@%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ$') ~= nil
end

-- What earlier sends took while their answers were lost: leased anew, one millisecond longer, so that no two hold one lease.
-- Of three sends, the second may have lengthened it already.
local function recover()
  local index = UPPER + (now + lease_ms) * 1024 + nonce
  local range = call('ZRANGE', due, whole(index), whole(index + 1024), 'BYSCORE', 'WITHSCORES')
  local ids, born_records = {}, {}
  for i = 1, #range, 2 do
    local name, record = indexed(range[i])
    if (tonumber(range[i + 1]) - index) % 1024 == 0 and (not record or is_occurrence(name)) then
      push(ids, name)
      born_records[name] = record
    end
  end
  local scores, records = read_many('ZMSCORE', due, ids), read_many('HMGET', jobs, ids)
  for i, id in ipairs(ids) do
    local record = born_records[id] or records[i]
    if scores[i] and record then
      bytes_left = bytes_left - #record
      -- More than one answer holds was taken by a request that the network has doubled.
      if jobs_taken == limit or (bytes_left < 0 and jobs_taken > 0) then break end
      local ends, claims = unpack_score(tonumber(scores[i]))
      lease(id_of(id), whole(pack(now, claims, 1)), record, whole(pack(ends + 1, claims, 1)), index_score(ends + 1))
      if born_records[id] then
        -- It goes on under its id.
        taken[jobs_taken * 4 - 3] = FIRED .. id_of(id)
        push(adopted, id_of(id), record)
        written[id_of(id)] = record
        push(orphans, id, born_index(id_of(id), record))
      end
    end
  end
  return jobs_taken
end

local function records_of(ids)
  if not next(written) then return read_many('HMGET', jobs, ids) end
  local unknown, records = {}, {}
  for _, id in ipairs(ids) do
    if not written[id] then push(unknown, id) end
  end
  local read, at = read_many('HMGET', jobs, unknown), 0
  for i, id in ipairs(ids) do
    if not written[id] then at = at + 1 end
    records[i] = written[id] or read[at]
  end
  return records
end

-- Of the keys that a claim has met each gets one place, and what is left of the batch goes round among them.
local function share_out(keys, room)
  local hungry = {}
  for _, key in ipairs(keys) do
    local lane = lane_of[key]
    touch(lane)
    lane.most = math.min(free(lane, now), lane.count + lane.behind)
    lane.share = math.min(lane.most, 1)
    if lane.most == 0 then room = room + 1 end
    if lane.most > 1 then push(hungry, lane) end
  end
  while room > 0 and #hungry > 0 do
    local again, each = {}, math.max(math.floor(room / #hungry), 1)
    for _, lane in ipairs(hungry) do
      local more = math.min(each, lane.most - lane.share, room)
      lane.share, room = lane.share + more, room - more
      if lane.share < lane.most then push(again, lane) end
    end
    hungry = again
  end
end

-- Puts the jobs that each key may start now in the place where the claim has met the key.
local function with_lines(ids, ready, key_at, not_due)
  local all_ids, all_ready, lane_at, found = {}, {}, {}, 0
  local function add(id, score, lane)
    found = found + 1
    all_ids[found], all_ready[found], lane_at[found] = id, score, lane
  end
  for i, id in ipairs(ids) do
    local lane = key_at[i] and lane_of[key_at[i]]
    if lane then
      if lane.share > lane.count and lane.behind > 0 then refill(lane, lane.share - lane.count + INLINE) end
      local item, at = nil, lane.at
      for _ = 1, math.min(lane.share, lane.count) do
        item, at = read_entry(lane.text, at)
        if item[2] >= not_due then break end
        add(item[3], whole(item[2]), lane)
      end
    else add(id, ready[i]) end
  end
  return all_ids, all_ready, lane_at
end

-- Whether a job stands in line that was enqueued before one whose lease ran out.
local function is_ahead(lane, order)
  return has(lane, ORDERED) and lane.count > 0 and tonumber(string.sub(lane.text, lane.at, lane.at + 15)) < order
end

-- A job of a key that is met by itself has a lease that ran out. If its key has no place for it any more, it waits again.
local function give_back(lane, order, id, ready, parked)
  local time, claims = unpack_score(tonumber(ready))
  local score = pack(time, claims, 0)
  finish(lane)
  insert(lane, order, score, id)
  push(parked, whole(IN_LINE + score), id, whole(UPPER), LEASE .. id)
end

-- The earliest member of `due` that this claim leaves there, and whose mark it does not move.
local function next_left(range, at, full, marked, moved)
  for i = at, #range, 2 do
    if tonumber(range[i + 1]) >= UPPER then return nil end
    if not marked[range[i]] then return tonumber(range[i + 1]) end
  end
  if not full or at > #range or moved == 0 then return nil end
  local first = #range / 2
  local more = call('ZRANGE', due, first, first + moved, 'WITHSCORES')
  return next_left(more, 1, false, marked, 0)
end

-- include: _planned_occurrences.lua

local function claim(wanted)
  local range = call('ZRANGE', due, 0, wanted + 1, 'WITHSCORES')
  local full, ids, ready, first = #range == 2 * (wanted + 2), {}, {}, 1
  if range[1] == PAUSED then
    reply[1], wanted, first = 1, 0, 3
  end
  local slot_keys, slot_scores, found, not_due = {}, {}, 0, after(now)
  local keys, key_at, lane_at, left_at, left_out = {}, {}, {}, #range + 1, UPPER
  local born, born_ids, born_scores = {}, {}, {}
  for i = first, #range, 2 do
    local member, score = range[i], tonumber(range[i + 1])
    local is_lane = string.byte(member) == 32 and string.sub(member, 1, #LANE) == LANE
    if is_lane and not may_meet_keys and score < not_due and wanted > 0 then
      left_out = math.min(left_out, score)
    elseif score < not_due and found + #slot_keys < wanted then
      if is_schedule(member) then
        push(slot_keys, string.sub(member, #SCHEDULE + 1))
        push(slot_scores, range[i + 1])
      else
        found = found + 1
        ids[found], ready[found] = member, range[i + 1]
        if is_lane then
          key_at[found] = string.sub(member, #LANE + 1)
          push(keys, key_at[found])
        elseif is_born(member) then
          push(born, member)
          push(born_ids, id_of(member))
          push(born_scores, range[i + 1])
        end
      end
    else
      left_at = i
      if counts and reply[1] == 0 and score < not_due then
        reply[3] = call('ZCOUNT', due, 0, '(' .. whole(not_due)) - found - #slot_keys
      end
      break
    end
  end
  if #keys > 0 then
    load_lanes(keys)
    share_out(keys, wanted - found - #slot_keys)
    -- The mark that was met moves also where it had stayed behind when a command failed.
    for i, key in pairs(key_at) do lane_of[key].mark = tonumber(ready[i]) end
    ids, ready, lane_at = with_lines(ids, ready, key_at, not_due)
  end
  -- Where a command has failed before, a job stands under both names: then the one under its id is the one.
  local born_records, is_double = read_born(born, born_scores), {}
  for i, score in ipairs(read_many('ZMSCORE', due, born_ids)) do is_double[born[i]] = score end
  for name, record in pairs(born_records) do written[name] = record end
  local records, ends, expired = records_of(ids), now + lease_ms, {}
  for i = 1, #ids do
    if may_meet_keys and not lane_at[i] and string.byte(records[i] or '', 1) == 50 then push(expired, (flow_of(records[i]))) end
  end
  load_lanes(expired)
  -- Writing a score takes longer than all else that is done for a job, and most of them have been claimed equally often.
  local index, leased, parked, first_left, is_full = index_score(ends), {}, {}, UPPER, false
  for i = 1, #ids do
    local record, lane = records[i], lane_at[i]
    local key, order
    if not lane and string.byte(record or '', 1) == 50 then key, order = flow_of(record) end
    if lane and (lane.is_stuck or free(lane, now) == 0) then
      lane.is_stuck = true
    elseif not record then
      push(orphans, ids[i], LEASE .. ids[i])
      if lane then pop(lane) end
    elseif is_double[ids[i]] then
      push(orphans, ids[i], born_index(id_of(ids[i]), record))
    elseif key and not may_meet_keys then
      left_out = math.min(left_out, tonumber(ready[i]))
    elseif key and (free(lane_of[key], now, lane_of[key].running - 1) == 0 or is_ahead(lane_of[key], order)) then
      give_back(lane_of[key], order, ids[i], ready[i], parked)
    else
      bytes_left = bytes_left - #record
      is_full = is_full or (bytes_left < 0 and jobs_taken > 0)
      if is_full and lane then
        lane.is_stuck = true
      elseif is_full then
        first_left = math.min(first_left, tonumber(ready[i]))
      else
        local _, claims = unpack_score(tonumber(ready[i]))
        leased[claims] = leased[claims] or whole(pack(ends, claims + 1, 1))
        if lane then
          pop(lane)
          push(unclaimed, whole(IN_LINE + ready[i]), ids[i], whole(UPPER), LEASE .. ids[i])
        end
        if key then finish(lane_of[key]) end
        if lane or key then begin(lane or lane_of[key], now) end
        local id = ids[i]
        -- Born leased, it goes on under its id.
        if born_records[id] then
          id = id_of(ids[i])
          push(adopted, id, record)
          written[id] = record
          push(orphans, ids[i], born_index(id, record))
        end
        lease(id, ready[i], record, leased[claims], index)
      end
    end
  end
  local next_slot, moved_on = fire_planned(slot_keys, slot_scores, index, ends)
  local moved = #unmarked
  local earliest, marked = put_marks(parked, orphans)
  for _, value in ipairs(parked) do push(leases, value) end
  for _, value in ipairs(moved_on) do push(leases, value) end
  local left = next_left(range, left_at, full, marked, moved)
  local coming = math.min(left or UPPER, earliest, first_left, left_out, next_slot)
  if left_out < UPPER and reply[1] == 0 then reply[1] = 2 end
  if coming < UPPER then reply[2] = whole(coming) end
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
