-- Stores a parent with its first children, or more children of one that waits.
-- ARGV: now, whether an earlier send may have arrived, id of the parent, its number, whether its id was made for it
--   (flags are 0 or 1), how many children were stored by earlier calls, how many are after this one, how many there are
--   in all, when the call before this one was made ('' for the first), the head of the parent (_family.lua) and its
--   record (both '' if it is stored), KEY:CONCURRENCY:RATE:PERIOD:ORDERED: of its flow control key ('' for none), and =
--   if the limits of the key stay;
--   then for each child, and each child of a child: id, score, head ('' if it has no children), record, number of its
--   parent, its flow control key
-- Returns: one of
--   'stored'
--   'duplicate': the parent exists; then, if children are missing, how many there are, and when the last ones came
--   'missing': the parent is gone, or has given up waiting for them
--   'taken': the id of a child is taken
--   'different': children are missing from a parent with another number of them
-- include: _family.lua
local now = number_argument()
local resend = flag_argument()
local parent = argument()
local number = number_argument()
local fresh = flag_argument()
local from = number_argument()
local to = number_argument()
local total = number_argument()
local since = argument()
local head = argument()
local record = argument()
local flow_text = argument()

local VALUES_OF_FAMILY = 5000

local function open_mark(place, time)
  return OPEN .. table.concat({ parent, whole(total), whole(place), whole(time) }, ':')
end

local is_first = since == ''
local is_last = to == total
local before = is_first and '' or open_mark(from, since)
local beyond = open_mark(to, now)
local list = {}
local members = { parent, BORN .. parent, before, beyond }
local keys = {}

local function note_key(text)
  local key = string.match(text, '^[^:]+')
  if key then push(keys, key) end
end

note_key(flow_text)
while arguments_read < #ARGV do
  local job = { id = argument(), score = argument(), head = argument(), record = argument(), number = number_argument(),
    flow = argument() }
  push(list, job)
  push(members, job.id)
  note_key(job.flow)
end
local at = {}
for i, score in ipairs(read_many('ZMSCORE', due, members, 2 * PIECE)) do at[members[i]] = score end

local function marks_of_family(most)
  local score = whole(family_score(number))
  return call('ZRANGE', due, score, score, 'BYSCORE', 'REV', 'LIMIT', 0, most)
end

local function is_different(stored)
  local count = string.match(stored or '', '^3:%d+:%l:(%d+)')
  return count and tonumber(count) ~= total
end

-- A repeated call goes on where the one before it has stopped.
local function reply_duplicate()
  local place, time = string.match(marks_of_family(1)[1] or '', '^ open:.*:(%d+):(%d+)$')
  if not place then return { 'duplicate' } end
  if is_different(call('HGET', jobs, parent)) then return { 'different' } end
  return { 'duplicate', place, time }
end

-- Whether an earlier send has stored the parent. The head says when that call was made; it goes once the parent begins.
local function is_own_parent(stored)
  local own = waits_for_others(stored) and string.match(stored, '^3:%d+:%l:%d+:%d+:(%d+)')
  if own and own ~= string.match(head, '^3:%d+:%l:%d+:%d+:(%d+)') then return false end
  return is_own(stored, record)
end

local function first_reply()
  if at[parent] or at[BORN .. parent] then
    if resend and (at[beyond] or is_own_parent(call('HGET', jobs, parent))) then return { 'stored' } end
    return reply_duplicate()
  end
  if fresh and not resend then return nil end
  remove_expired(now)
  local finished = call('HGET', done, parent) or (call('ZSCORE', dead, parent) and (call('HGET', dead_jobs, parent) or ''))
  if finished then return { resend and is_own_parent(finished) and 'stored' or 'duplicate' } end
end

local leaving = {}

local function later_reply()
  if at[before] and at[parent] then
    push(leaving, before)
    return nil
  end
  if at[before] then
    call('ZREM', due, before)
    return { 'missing' }
  end
  if at[beyond] then return { 'stored' } end
  local stored = call('HGET', jobs, parent)
  if waits_for_others(stored) then
    if is_different(stored) then return { 'different' } end
    local reply = reply_duplicate()
    -- Without a place, all children are stored.
    return is_last and not reply[2] and reply[1] == 'duplicate' and { 'stored' } or reply
  end
  local last = list[#list]
  return { resend and is_last and last and was_stored(last.id, last.record) and 'stored' or 'missing' }
end

-- Whether ids of children are taken: by other jobs, or by children of an earlier parent with this id.
local function are_taken()
  for _, job in ipairs(list) do
    if at[job.id] then return true end
  end
  if not is_first or fresh then return false end
  for _, member in ipairs(marks_of_family(2)) do
    if string.sub(member, 1, #OPEN) ~= OPEN then return true end
    push(leaving, member)
  end
  return count_marks(family_score(number) + DIED_ABOVE) > 0
end

local reply
if is_first then reply = first_reply() else reply = later_reply() end
if reply then return reply end
if are_taken() then return { 'taken' } end

load_keys(keys, now)
local records = {}
local scores = {}
local new_members = {}
local new_ids = {}

local function add_child(job)
  local flow_head = ''
  local score = job.score
  if job.flow ~= '' then
    local text, keeps = string.match(job.flow, '^(.-)(=?)$')
    local flow_key, order
    flow_key, order, flow_head = join(text, keeps == '', now)
    if job.head == '' then
      insert(flow_key, order, tonumber(score), job.id)
      score = whole(IN_LINE + score)
    end
  end
  push(records, job.id, job.head .. flow_head .. job.record)
  push(scores, score, job.id, whole(family_score(job.number)), CHILD .. job.id)
  push(new_members, job.id, CHILD .. job.id)
  push(new_ids, job.id)
end

for _, job in ipairs(list) do add_child(job) end
if is_first then
  local flow_head = ''
  if flow_text ~= '' then
    local text, keeps = string.match(flow_text, '^(.-)(=?)$')
    local _
    _, _, flow_head = join(text, keeps == '', now)
  end
  push(records, parent, head .. flow_head .. record)
  push(new_members, parent)
  push(new_ids, parent)
end
if not is_last then
  push(scores, whole(family_score(number)), beyond)
  push(new_members, beyond)
end
-- In the same command as the marks: until then it looks an hour after the last call.
if is_first or is_unclaimed(at[parent]) then push(scores, whole((now + LOOK_MS) * 1024), parent) end

local function undo()
  try_many('ZREM', due, new_members)
  try_many('HDEL', jobs, new_ids)
end

-- Sends a command with the values of up to a thousand jobs, which is as many as there are in a call.
local function store(command, key, values)
  for first = 1, #values, VALUES_OF_FAMILY do
    local reply = try(command, key, unpack(values, first, math.min(first + VALUES_OF_FAMILY - 1, #values)))
    if type(reply) == 'table' and reply.err then
      undo()
      error(reply.err, 0)
    end
  end
end

store('HSET', jobs, records)
if #keys > 0 then commit_keys(now, scores, {}, undo) else store('ZADD', due, scores) end
surely('ZREM', due, leaving)
return { 'stored' }
