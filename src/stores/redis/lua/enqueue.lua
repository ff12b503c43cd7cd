-- Stores new jobs, all or none.
-- ARGV: now, resend (1 where an earlier send may have arrived), nonce, then for each job:
--   id, fresh (0 where a user chose the id), score, record, lease score ('' for none), dedupe key ('' for none), window
--     in ms,
--   with what the record must begin of a job that it replaces ('' where it replaces none),
--   KEY:CONCURRENCY:RATE:PERIOD:ORDERED: of its key of flow control ('' for none), and = where the limits that the key
--     has stay
-- Returns: for each job: 'enqueued' | 'replaced' | 'duplicate', id of the job that exists, its score ('' if finished),
--   'leased' | 'born' (leased, under that name) | '', its order if leased;
--   then 1 where `due` had no mark of earlier jobs, which is ' name:', 0 where it had it, '' where that was not read
-- One plain job takes two commands, any number of them three, those that are born leased two. Dedupe keys take two
--   more, all together,
-- and jobs that are replaced one. Keys take two more, all together, and a third where a line is long.
local now, resend, nonce = tonumber(ARGV[1]), ARGV[2] == '1', tonumber(ARGV[3])

-- include: _windows.lua
local is_unused = ''
local list, replacing = {}, {}
for at = 4, #ARGV, 9 do
  local flow, keeps_limits = string.match(ARGV[at + 8], '^(.-)(=?)$')
  local job = { id = ARGV[at], fresh = ARGV[at + 1] == '1', score = ARGV[at + 2], record = ARGV[at + 3], lease = ARGV[at + 4],
    dedupe = ARGV[at + 5], window = ARGV[at + 6], replaces = ARGV[at + 7], flow = flow,
    sets_limits = keeps_limits == '' }
  -- Above this size, a record would make the set too large.
  job.is_born = job.lease ~= '' and job.fresh and job.dedupe == '' and job.flow == '' and #job.record <= 16384
  job.key = string.match(job.flow, '^[^:]+')
  push(list, job)
  job.index = #list
  replacing[job.dedupe] = replacing[job.dedupe] or job.replaces ~= ''
end

local scores, records = {}, {}

local function index_score(lease)
  local ends = unpack_score(tonumber(lease))
  return whole(UPPER + ends * 1024 + nonce)
end

-- 1. Read what is there already: of the ids, and of the holders of dedupe keys. Such a key holds 'end of the
--    window:id', and counts only
-- while that job exists.
local at, stored, finished, holder_of, replacing_at = {}, {}, {}, {}, {}

local function read()
  local members, chosen, dedupe_keys, wanted, replaceable = { PAUSED, NAME }, {}, {}, {}, {}
  for _, job in ipairs(list) do
    push(members, job.id)
    -- Of an id that was just made, nobody else can have a job.
    if resend or not job.fresh or job.is_born then push(members, BORN .. job.id) end
    if resend or not job.fresh then push(chosen, job.id) end
    if job.dedupe ~= '' and holder_of[job.dedupe] == nil then
      holder_of[job.dedupe] = false
      push(dedupe_keys, job.dedupe)
    end
  end
  if #chosen > 0 then remove_expired(now) end
  for i, held in ipairs(read_many('HMGET', dedupe, dedupe_keys)) do
    local ends, id = string.match(held or '', '^(%d+):(.*)$')
    if ends and tonumber(ends) > now then
      holder_of[dedupe_keys[i]] = id
      push(members, id)
      if replacing[dedupe_keys[i]] then replaceable[id] = true end
    end
  end
  for i, score in ipairs(read_many('ZMSCORE', due, members)) do at[members[i]] = score end
  is_unused = at[NAME] and 0 or 1
  for _, id in pairs(holder_of) do
    if id and not at[id] then push(chosen, id) end
  end
  for _, job in ipairs(list) do
    local holder = job.replaces ~= '' and holder_of[job.dedupe]
    if holder then
      replacing_at[holder] = replacing_at[holder] or {}
      push(replacing_at[holder], job)
    end
  end
  local in_done, in_dead = read_many('HMGET', done, chosen), read_many('ZMSCORE', dead, chosen)
  for i, id in ipairs(chosen) do finished[id] = (in_done[i] or in_dead[i]) and { record = in_done[i] } or nil end
  for id in pairs(replaceable) do
    if at[id] then push(wanted, id) end
  end
  for _, job in ipairs(list) do
    if resend and at[job.id] then push(wanted, job.id) end
  end
  for i, record in ipairs(read_many('HMGET', jobs, wanted)) do stored[wanted[i]] = record end
  local keys = {}
  for id in pairs(replaceable) do push(keys, (flow_of(stored[id]))) end
  for _, job in ipairs(list) do push(keys, job.key) end
  load_lanes(keys, now)
end

-- 2. Decide what becomes of each job. Of those that replace one another within a call, the last one is stored.
local entries, pending, answers, is_own_id, windows = {}, {}, {}, {}, {}

local function returned_end(claims)
  return ',"returned":' .. claims .. '}'
end

-- Only a job that has never been attempted is replaced. It has never been claimed, or was returned by each drain that
-- claimed it: then its record ends with how often (replacement.ts).
local function may_replace(job, record, claims)
  if job.replaces == '' or string.sub(record, 1, #job.replaces) ~= job.replaces then return false end
  local tail = returned_end(claims)
  return claims == 0 or string.sub(record, -#tail) == tail
end

-- Whether the record under an id was stored by an earlier send of this job, or of a later one in this call that has
-- replaced it.
local function is_sent(job, id, record)
  if is_own(record, job.record) then return true end
  for _, later in ipairs(replacing_at[id] or {}) do
    if later.index > job.index and may_replace(later, job.record, 0) and is_own(record, later.record) then return true end
  end
  return false
end


-- What a resend finds may be what its first send stored, also where that has begun meanwhile: then the answer is the
-- one that was lost.
local function answer_again(job, status, id)
  local leased = job.lease ~= '' and tonumber(at[id]) == tonumber(job.lease)
    and tonumber(call('ZSCORE', due, LEASE .. id) or 0) == tonumber(index_score(job.lease))
  local _, order = flow_of(stored[id])
  push(answers, { status = status, id = id, score = at[id], lease = leased and 'leased', order = leased and order })
end

local function answer_duplicate(id)
  push(answers, { status = 'duplicate', id = id, score = at[id] })
end

local function enter(job, status, entry)
  if entry.job and entry.job.key ~= job.key then
    -- It joins the end of another line.
    for i, each in ipairs(entries) do
      if each == entry then table.remove(entries, i) end
    end
    entry.job = nil
  end
  if not entry.job then push(entries, entry) end
  entry.job, pending[entry.id] = job, entry
  push(answers, { status = status, id = entry.id, job = job })
end

local function text_of(job, claims)
  return claims == 0 and job.record or string.sub(job.record, 1, -2) .. returned_end(claims)
end

local function replace(job, id)
  local key, order = flow_of(stored[id])
  local record = without_flow(stored[id] or '')
  local in_line = tonumber(at[id]) >= IN_LINE
  local score = tonumber(at[id]) - (in_line and IN_LINE or 0)
  local _, claims, leased = unpack_score(score)
  if leased == 1 or not may_replace(job, record, claims) then return answer_duplicate(id) end
  local text, new_score = text_of(job, claims), tonumber(job.score) + claims * 2
  -- Doubled by the network, a call changes nothing the second time.
  if record == text and score == new_score and key == job.key then
    return push(answers, { status = 'replaced', id = id, score = at[id] })
  end
  enter(job, 'replaced', { id = id, claims = claims, key = key, order = order, score = score, stored = stored[id] })
end

local function decide(job)
  local id, is_born = job.id, not at[job.id] and at[BORN .. job.id]
  if pending[id] or is_own_id[id] then return answer_duplicate(id) end
  if at[id] or is_born then
    if not (resend and (job.fresh or is_sent(job, id, stored[id]))) then return answer_duplicate(id) end
    is_own_id[id] = true
    if is_born then return push(answers, { status = 'enqueued', id = id, score = is_born, lease = 'born' }) end
    -- Of two plain commands (lone-enqueue.ts), the first one may have failed.
    if not stored[id] then push(records, id, job.record) end
    return answer_again(job, 'enqueued', id)
  end
  if finished[id] then
    local own = job.fresh or (resend and is_sent(job, id, finished[id].record or call('HGET', dead_jobs, id)))
    return push(answers, { status = own and 'enqueued' or 'duplicate', id = id })
  end
  local holder = job.dedupe ~= '' and holder_of[job.dedupe]
  if holder and pending[holder] then
    local other = pending[holder].job
    if may_replace(job, other.record, 0) then return enter(job, 'replaced', pending[holder]) end
    return answer_duplicate(holder)
  end
  if holder and (at[holder] or finished[holder]) then
    if job.replaces == '' then return answer_duplicate(holder) end
    local record = stored[holder]
    if resend and not at[holder] then record = finished[holder].record or call('HGET', dead_jobs, holder) end
    if resend and is_sent(job, holder, record) then
      return answer_again(job, 'replaced', holder)
    end
    if not at[holder] then return answer_duplicate(holder) end
    return replace(job, holder)
  end
  if job.dedupe ~= '' then
    holder_of[job.dedupe] = id
    windows[job.window] = windows[job.window] or {}
    push(windows[job.window], job.dedupe, whole(now + tonumber(job.window)) .. ':' .. id)
  end
  enter(job, 'enqueued', { id = id, claims = 0, is_new = true })
end

-- 3. Give each its place.
local new_ids, new_members, old_scores, old_records, removing = {}, {}, {}, {}, {}

local function place(entry)
  local job, id, head, lane = entry.job, entry.id, '', nil
  local score = whole(tonumber(job.score) + entry.claims * 2)
  local leased, stays = job.lease ~= '' and not at[PAUSED] and entry.claims == 0, false
  if job.key then
    local keeps = entry.key == job.key
    -- Under its key it keeps its place in the order.
    lane, entry.place, head = join(job.flow, job.sets_limits, now, keeps and entry.order)
    leased = leased and lane.count + lane.behind == (keeps and 1 or 0) and free(lane, now) > 0
    stays = keeps and entry.order == entry.place and entry.score == tonumber(score) and not leased
  end
  if entry.key and not stays then remove(lane_of[entry.key], entry.order, entry.score, id) end
  if lane and leased then begin(lane, now) elseif lane and not stays then insert(lane, entry.place, tonumber(score), id) end
  entry.score = leased and job.lease or score
  if leased and job.is_born then
    entry.lease = 'born'
    push(scores, entry.score, BORN .. id, index_score(job.lease), born_index(id, job.record))
    return push(new_members, BORN .. id, born_index(id, job.record))
  end
  push(scores, lane and not leased and whole(IN_LINE + score) or entry.score, id)
  if leased then
    entry.lease = 'leased'
    push(scores, index_score(job.lease), LEASE .. id)
    push(new_members, LEASE .. id)
  end
  push(records, id, head .. text_of(job, entry.claims))
  if entry.stored then
    push(old_scores, at[id], id)
    push(old_records, id, entry.stored)
  else
    push(new_ids, id)
    push(new_members, id)
  end
end

-- 4. Write. Should a command fail, what was added before it is taken back: all of the jobs are stored, or none. The
--    places come last:
-- with them come the marks of the keys.
local function undo()
  try_many('ZADD', due, old_scores)
  try_many('ZREM', due, new_members)
  try_many('HSET', jobs, old_records)
  try_many('HDEL', jobs, new_ids)
end

local function store()
  if is_unused == 1 and #scores > 0 then push(scores, whole(NAMED), NAME) end
  commit_lanes(now, scores, removing, undo)
  surely('ZREM', due, removing)
end

local first = list[1]
local is_lone = #list == 1 and first.fresh and first.lease == '' and first.dedupe == '' and not resend
if is_lone and not first.key then
  -- NX is check and write in one: refused, it has changed nothing.
  local is_new = call('HSETNX', jobs, first.id, first.record) == 1
  local added = try('ZADD', due, 'NX', first.score, first.id, whole(NAMED), NAME)
  if type(added) == 'table' and added.err then
    if is_new then call('HDEL', jobs, first.id) end
    error(added.err, 0)
  end
  is_unused = math.max(added, 1) - 1
  if added == 0 then at[first.id] = call('ZSCORE', due, first.id) end
  if added == 0 then answer_duplicate(first.id) else push(answers, { status = 'enqueued', id = first.id }) end
elseif is_lone then
  load_lanes({ first.key }, now)
  enter(first, 'enqueued', { id = first.id, claims = 0 })
  place(entries[1])
  local is_new = call('HSETNX', jobs, first.id, records[2]) == 1
  if is_new then
    store()
  else
    answers, pending = {}, {}
    at[first.id] = call('ZSCORE', due, first.id)
    answer_duplicate(first.id)
  end
else
  read()
  for _, job in ipairs(list) do decide(job) end
  for _, entry in ipairs(entries) do place(entry) end
  for window, fields in pairs(windows) do set_expiring(dedupe, fields, tonumber(window), now) end
  local stored_all = try_many('HSET', jobs, records)
  if stored_all then
    undo()
    error(stored_all.err, 0)
  end
  store()
end

local reply = {}
for _, each in ipairs(answers) do
  local entry = pending[each.id] or {}
  local is_its_own = entry.job and entry.job == each.job
  local lease, order = each.lease, each.order
  if is_its_own then lease, order = entry.lease, entry.lease and entry.place end
  push(reply, each.status, each.id, entry.score or each.score or '', lease or '')
  push(reply, order and whole(order) or '')
end
push(reply, is_unused)
return reply
