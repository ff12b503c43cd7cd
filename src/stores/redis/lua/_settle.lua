-- Settles what has ended. An outcome counts only if the lease that it names is still the one stored.

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
  load_lanes(keys, now)
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
      elseif key and ran ~= '' then
        take_back_start(lane_of[key], tonumber(ran))
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
