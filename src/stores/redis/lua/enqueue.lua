-- Stores new jobs, all or none.
-- ARGV: now, resend (1 where an earlier send may have arrived), nonce, then for each job:
--   id, fresh (0 where a user chose the id), score, record, lease score ('' for none), dedupe key ('' for none), window in ms,
--   KEY:CONCURRENCY:RATE:PERIOD:ORDERED: of its key of flow control ('' for none)
-- Returns: for each job: 'enqueued' | 'leased' | 'born' (leased, under that name) | 'duplicate', id of the job that exists, its score ('' if finished), its order if leased
-- One plain job takes two commands, any number of them three, those that are born leased two, a dedupe window two more each. Keys take two more, all together, and a
-- third where a line is long.
local now, resend, nonce = tonumber(ARGV[1]), ARGV[2] == '1', tonumber(ARGV[3])

local list, members, chosen, born_names = {}, {}, {}, {}
for at = 4, #ARGV, 8 do
  local job = { id = ARGV[at], fresh = ARGV[at + 1] == '1', score = ARGV[at + 2], record = ARGV[at + 3],
    lease = ARGV[at + 4], dedupe = ARGV[at + 5], window = ARGV[at + 6], flow = ARGV[at + 7] }
  -- Above this size, a record would make the set too large.
  job.is_born = job.lease ~= '' and job.fresh and job.dedupe == '' and job.flow == '' and #job.record <= 16384
  push(list, job)
  push(members, job.id)
  if resend or not job.fresh then push(chosen, job.id) end
  -- Of an id that was just made, nobody else can have a job.
  if resend or not job.fresh or job.is_born then push(born_names, BORN .. job.id) end
end

local keys = {}
for _, job in ipairs(list) do
  if job.flow ~= '' then push(keys, string.match(job.flow, '^[^:]+')) end
end
load_lanes(keys)

local reply, scores, records, windows, placed = {}, {}, {}, {}, {}

local function answer(status, id, score, order)
  push(reply, status, id, score or '', order and whole(order) or '')
end

local function index_score(lease)
  local ends = unpack_score(tonumber(lease))
  return whole(UPPER + ends * 1024 + nonce)
end

local function place(job, paused)
  local leased, head, order, lane = job.lease ~= '' and not paused, '', nil, nil
  if job.flow ~= '' then
    lane, order, head = join(job.flow, true, now)
    leased = leased and lane.count == 0 and free(lane, now) > 0
    if leased then begin(lane, now) else insert(lane, order, tonumber(job.score), job.id) end
  end
  local score = leased and job.lease or job.score
  placed[job.id] = score
  if leased and job.is_born then
    push(scores, score, BORN .. job.id, index_score(job.lease), born_index(job.id, job.record))
    return answer('born', job.id, score)
  end
  push(scores, lane and not leased and whole(IN_LINE + job.score) or score, job.id)
  if leased then push(scores, index_score(job.lease), LEASE .. job.id) end
  push(records, job.id, head .. job.record)
  if job.dedupe ~= '' then windows[job.dedupe] = job end
  answer(leased and 'leased' or 'enqueued', job.id, score, leased and order)
end

-- A dedupe key holds 'end of the window:id', and counts only while that job exists.
local function holder_of(job)
  local earlier = windows[job.dedupe]
  if earlier then return earlier.id, placed[earlier.id] end
  local held = call('HGET', dedupe, job.dedupe)
  local ends, id = string.match(held or '', '^(%d+):(.*)$')
  if not ends or tonumber(ends) <= now then return nil end
  local score = placed[id] or call('ZSCORE', due, id)
  if score or call('HEXISTS', done, id) == 1 or call('HEXISTS', dead_jobs, id) == 1 then return id, score end
end

-- What a resend finds may be what its first send stored, also where that has begun meanwhile: then the answer is the one that was lost.
-- Of two plain commands (lone-enqueue.ts), the first one may have failed: then the record is still missing.
local stored, lane_members = {}, {}
local function answer_existing(job, score, is_born)
  if not (resend and not placed[job.id] and (job.fresh or is_own(stored[job.id], job.record))) then
    return answer('duplicate', job.id, score)
  end
  placed[job.id] = score
  if is_born then return answer('born', job.id, score) end
  if not stored[job.id] then push(records, job.id, job.record) end
  local leased = job.lease ~= '' and tonumber(score) == tonumber(job.lease)
    and tonumber(call('ZSCORE', due, LEASE .. job.id) or 0) == tonumber(index_score(job.lease))
  local _, order = flow_of(stored[job.id])
  answer(leased and 'leased' or 'enqueued', job.id, score, leased and order)
end

-- The same where it has finished meanwhile.
local function answer_finished(job, record)
  local own = job.fresh or (resend and is_own(record or call('HGET', dead_jobs, job.id), job.record))
  answer(own and 'enqueued' or 'duplicate', job.id)
end

-- Goes on, or takes away what was added before a command failed: all of the jobs are stored, or none.
local function all_or_none(result, ids, new_members)
  if type(result) ~= 'table' or not result.err then return result end
  call_many('ZREM', due, new_members)
  call_many('HDEL', jobs, ids)
  restore_lanes(touched, lane_members)
  error(result.err, 0)
end

-- Stores what has been placed. The places come last: with them come the marks of the keys, which cannot be taken back.
local function store(ids)
  local new_members = {}
  for i = 2, #scores, 2 do push(new_members, scores[i]) end
  put_marks(scores, {})
  for i = 2, #standing, 2 do push(lane_members, standing[i]) end
  all_or_none(try_many('ZADD', lanes, standing), ids, {})
  standing = {}
  all_or_none(try_many('HSET', flow, lane_texts()), ids, {})
  all_or_none(try_many('ZADD', due, scores), ids, new_members)
  leave_lines()
end

local first = list[1]
local is_lone = #list == 1 and first.fresh and first.lease == '' and first.dedupe == '' and not resend
if is_lone and first.flow ~= '' then
  place(first)
  if call('HSETNX', jobs, first.id, records[2]) == 1 then
    store({ first.id })
  else
    reply = {}
    answer('duplicate', first.id, call('ZSCORE', due, first.id))
  end
elseif is_lone then
  -- NX is check and write in one: refused, it has changed nothing.
  local is_new = call('HSETNX', jobs, first.id, first.record) == 1
  local added = try('ZADD', due, 'NX', first.score, first.id)
  if all_or_none(added, is_new and { first.id } or {}, {}) == 0 then
    answer('duplicate', first.id, call('ZSCORE', due, first.id))
  else
    answer('enqueued', first.id, first.score)
  end
else
  if #chosen > 0 then remove_expired(now) end
  push(members, PAUSED)
  for _, name in ipairs(born_names) do push(members, name) end
  local existing, born, finished = read_many('ZMSCORE', due, members), {}, {}
  for i = #list + 2, #members do born[members[i]] = existing[i] end
  local in_done, in_dead = read_many('HMGET', done, chosen), read_many('ZMSCORE', dead, chosen)
  for i = 1, #chosen do finished[chosen[i]] = { record = in_done[i], is_there = in_done[i] or in_dead[i] } end
  local standing = {}
  for i, job in ipairs(list) do
    if resend and existing[i] then push(standing, job.id) end
  end
  for i, record in ipairs(read_many('HMGET', jobs, standing)) do stored[standing[i]] = record end
  for i, job in ipairs(list) do
    local score = existing[i] or born[BORN .. job.id] or placed[job.id]
    if score then
      answer_existing(job, score, not existing[i] and not placed[job.id])
    elseif finished[job.id] and finished[job.id].is_there then
      answer_finished(job, finished[job.id].record)
    else
      local holder, holder_score
      if job.dedupe ~= '' then holder, holder_score = holder_of(job) end
      if holder then answer('duplicate', holder, holder_score) else place(job, existing[#list + 1]) end
    end
  end
  for key, job in pairs(windows) do
    set_expiring(dedupe, { key, whole(now + tonumber(job.window)) .. ':' .. job.id }, tonumber(job.window), now)
  end
  local ids = {}
  for i = 1, #records, 2 do push(ids, records[i]) end
  all_or_none(try_many('HSET', jobs, records), ids, {})
  store(ids)
end
return reply
