-- Stores new jobs, all or none.
-- @arg now number, resend flag, nonce number
-- @arg list rows(id fresh:flag score:digits record lease:digits? dedupe window:digits? replaces flow)
-- @reply was_used flag?  whether the mark of earlier jobs was in `due`; none if this call has stored none
-- @reply jobs rows(status:enqueued|replaced|duplicate id score:number? is_leased:flag order:number?)
-- An id is fresh if it was made for the job. `dedupe` is a key ('' for none), `window` its time in ms, `replaces` how
-- the record of a job that it replaces must begin, after the digit of its version ('' if it replaces none). The reply
-- names the job that exists, with its score (none if finished), and its order if it is leased.
-- One plain job takes two commands, any number of them three. Dedupe keys take two more, all together, and jobs that
-- are replaced one. Keys take two more, all together, and a third where a line is long.
for i, job in ipairs(list) do
  job.index = i
  job.key = string.match(job.flow, '^[^:]+')
end

local scores = {}
local records = {}

local function index_score(lease)
  local ends = unpack_score(tonumber(lease))
  return whole(UPPER + ends * 1024 + nonce)
end

-- The mark of earlier jobs: it goes only with the database, or if Redis evicts `due`.
local USED = ' used'
local USED_SCORE = '72057594037927936'

-- 1. Read what is there already: the jobs under these ids, and the holders of dedupe keys. Such a key holds
--    'end of the window:id', and counts only while that job exists.
local at = {}
local stored = {}
local finished = {}
local holder_of = {}
-- The jobs that would replace a holder, by its id.
local replacing_at = {}

local function read_holders()
  local dedupe_keys = {}
  local holders = {}
  for _, job in ipairs(list) do
    if job.dedupe ~= '' and holder_of[job.dedupe] == nil then
      holder_of[job.dedupe] = false
      push(dedupe_keys, job.dedupe)
    end
  end
  for i, held in ipairs(read_many('HMGET', dedupe, dedupe_keys)) do
    local ends, id = string.match(held or '', '^(%d+):(.*)$')
    if ends and tonumber(ends) > now then
      holder_of[dedupe_keys[i]] = id
      push(holders, id)
    end
  end
  return holders
end

local function read_finished()
  local chosen = {}
  for _, job in ipairs(list) do
    if (resend or not job.fresh) and not at[job.id] then push(chosen, job.id) end
  end
  for _, id in pairs(holder_of) do
    if id and not at[id] then push(chosen, id) end
  end
  local kept_until = read_many('ZMSCORE', done_order, chosen)
  local in_dead = read_many('ZMSCORE', dead, chosen)
  for i, id in ipairs(chosen) do finished[id] = in_dead[i] or tonumber(kept_until[i] or now) > now end
end

local function finished_record(id)
  return call('HGET', jobs, id) or call('HGET', dead_jobs, id)
end

-- Reads the records that a job may replace, and those that an earlier send may have stored.
local function read_records()
  local wanted = {}
  for _, job in ipairs(list) do
    local holder = job.replaces ~= '' and holder_of[job.dedupe]
    if holder then
      replacing_at[holder] = replacing_at[holder] or {}
      push(replacing_at[holder], job)
    end
    if (resend or job.fresh) and at[job.id] then push(wanted, job.id) end
  end
  for id in pairs(replacing_at) do
    if at[id] then push(wanted, id) end
  end
  local keys = push_keys({}, list)
  for i, record in ipairs(read_many('HMGET', jobs, wanted)) do
    stored[wanted[i]] = record
    push(keys, (flow_of(record)))
  end
  load_keys(keys, now)
end

local function read()
  local members = read_holders()
  push(members, PAUSED, PAUSED_JOBS, USED)
  for _, job in ipairs(list) do push(members, job.id) end
  for i, score in ipairs(read_many('ZMSCORE', due, members)) do at[members[i]] = score end
  read_finished()
  read_records()
end

-- 2. Decide what becomes of each job. Of those that replace one another within a call, the last one is stored.
local entries = {}
local pending = {}
local replies = {}
local is_own_id = {}
local windows = {}

-- A job can be replaced that has never begun.
local function may_replace(job, record, claims)
  if job.replaces == '' or string.sub(record, 2, #job.replaces + 1) ~= job.replaces then return false end
  return claims == returns_of(record)
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

-- Gives the reply that was lost: a resend has found what its first send stored, even if an attempt has begun since.
local function reply_again(job, status, id)
  local leased = job.lease ~= '' and tonumber(at[id]) == tonumber(job.lease)
    and tonumber(call('ZSCORE', due, LEASE .. id) or 0) == tonumber(index_score(job.lease))
  local _, order = flow_of(stored[id])
  push(replies, { status = status, id = id, score = at[id], lease = leased and 1, order = leased and order })
end

-- A parent that waits has no run time.
local function reply_duplicate(id)
  push(replies, { status = 'duplicate', id = id, score = not waits_for_children(out_of_line(at[id])) and at[id] })
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
  entry.job = job
  pending[entry.id] = entry
  push(replies, { status = status, id = entry.id, job = job })
end

local function text_of(job, claims)
  return claims == 0 and job.record or string.sub(job.record, 1, -2) .. ',"returned":' .. claims % 511 .. '}'
end

local function replace(job, id)
  local key, order = flow_of(stored[id])
  local record = without_prefix(stored[id] or '')
  local score = out_of_line(at[id])
  local _, claims, leased = unpack_score(score)
  if leased == 1 or waits_for_children(score) or not may_replace(job, record, claims) then return reply_duplicate(id) end
  local new_score = tonumber(job.score) + claims * 2
  -- A duplicated request changes nothing the second time.
  if record == text_of(job, claims) and score == new_score and key == job.key then
    return push(replies, { status = 'replaced', id = id, score = at[id] })
  end
  enter(job, 'replaced', { id = id, claims = claims, key = key, order = order, score = score })
end

-- A live job has the id. If the id was made for this job, the request has arrived twice.
local function decide_live(job)
  local id = job.id
  local is_again = resend and job.fresh or (resend or job.fresh) and is_sent(job, id, stored[id])
  if not is_again then return reply_duplicate(id) end
  is_own_id[id] = true
  reply_again(job, 'enqueued', id)
end

-- A job that exists holds the dedupe key.
local function decide_held(job, holder)
  if job.replaces == '' then return reply_duplicate(holder) end
  local record = stored[holder]
  if resend and not at[holder] then record = finished_record(holder) end
  if resend and is_sent(job, holder, record) then return reply_again(job, 'replaced', holder) end
  if not at[holder] then return reply_duplicate(holder) end
  replace(job, holder)
end

local function decide(job)
  local id = job.id
  if pending[id] or is_own_id[id] then return reply_duplicate(id) end
  if at[id] then return decide_live(job) end
  if finished[id] then
    local own = job.fresh or (resend and is_sent(job, id, finished_record(id)))
    return push(replies, { status = own and 'enqueued' or 'duplicate', id = id })
  end
  local holder = job.dedupe ~= '' and holder_of[job.dedupe]
  if holder and pending[holder] then
    if may_replace(job, pending[holder].job.record, 0) then return enter(job, 'replaced', pending[holder]) end
    return reply_duplicate(holder)
  end
  if holder and (at[holder] or finished[holder]) then return decide_held(job, holder) end
  if job.dedupe ~= '' then
    holder_of[job.dedupe] = id
    windows[job.window] = windows[job.window] or {}
    push(windows[job.window], job.dedupe, whole(now + tonumber(job.window)) .. ':' .. id)
  end
  enter(job, 'enqueued', { id = id, claims = 0 })
end

-- 3. Make the members and the records of each. A job joins the line of its key, or gets a slot there, and leaves the
--    line that it was in.
local function place(entry)
  local job, id, key = entry.job, entry.id, entry.key
  local score = whole(tonumber(job.score) + entry.claims * 2)
  local leased = job.lease ~= '' and not at[PAUSED] and not at[PAUSED_JOBS] and entry.claims == 0
  local prefix = ''
  local stays = false
  local lane
  if job.key then
    local keeps = key == job.key
    -- Under the same key it keeps its position in the order.
    lane, entry.order_now, prefix = join(job.flow, now, keeps and entry.order)
    leased = leased and lane.count + lane.behind == (keeps and 1 or 0) and free(lane, now) > 0
    stays = keeps and entry.order == entry.order_now and entry.score == tonumber(score) and not leased
  end
  if key and not stays then remove(lanes_by_key[key], entry.order, entry.score, id) end
  if lane and leased then begin(lane, now, (unpack_score(tonumber(job.lease))))
  elseif lane and not stays then insert(lane, entry.order_now, tonumber(score), id) end
  entry.score = leased and job.lease or score
  push(scores, lane and not leased and whole(IN_LINE + score) or entry.score, id)
  if leased then
    entry.lease = 1
    push(scores, index_score(job.lease), LEASE .. id)
  end
  push(records, id, prefix .. text_of(job, entry.claims))
end

-- 4. Write. Members come last, and the marks of keys with them.
local function store_all()
  read()
  for _, job in ipairs(list) do decide(job) end
  if #entries == 0 then return '' end
  local replaced = 0
  for _, entry in ipairs(entries) do
    place(entry)
    if at[entry.id] then replaced = replaced + 1 end
  end
  if not at[USED] then push(scores, USED_SCORE, USED) end
  for window, fields in pairs(windows) do set_expiring(dedupe, fields, tonumber(window), now) end
  store_new(records, replaced)
  commit_keys(now, scores)
  return at[USED] and 1 or 0
end

-- Nobody else can have a job with an id that was just made, except by a mistake: so nothing is read first.
local function store_lone(job)
  if call('HSETNX', jobs, job.id, job.record) == 0 then return store_all() end
  push(replies, { status = 'enqueued', id = job.id })
  return 2 - call('ZADD', due, job.score, job.id, USED_SCORE, USED)
end

local first = list[1]
local is_lone = #list == 1 and first.fresh and first.lease .. first.dedupe .. first.flow == '' and not resend
local reply = { (is_lone and store_lone or store_all)(first) }
for _, each in ipairs(replies) do
  local entry = pending[each.id] or {}
  local lease = each.lease
  local order = each.order
  if entry.job and entry.job == each.job then
    lease = entry.lease
    order = lease and entry.order_now
  end
  push(reply, each.status, each.id, entry.score or each.score or '', lease or 0)
  push(reply, order and whole(order) or '')
end
return reply
