-- Stores a parent with its children, all or none.
-- @arg now number, resend flag, fresh flag  whether the id of the parent was made for it
-- @arg list rows(id score:digits record flow family)  the parent, each child, and each child of a child
-- @reply stored|duplicate|taken  duplicate: the parent exists; taken: the id of a child does
local ids = {}
for _, job in ipairs(list) do push(ids, job.id) end
local parent = list[1]
local at = read_many('ZMSCORE', due, ids, 2 * PIECE)

local function find_parent()
  if at[1] then return call('HGET', jobs, parent.id) or '' end
  if fresh and not resend then return nil end
  remove_expired(now)
  return call('HGET', jobs, parent.id) or call('HGET', dead_jobs, parent.id)
end

local existing = find_parent()
if existing then return resend and is_own(existing, parent.record) and 'stored' or 'duplicate' end
-- A dead child of an earlier parent with this id would count in the new family once it is retried.
local in_dead = fresh and {} or read_many('ZMSCORE', dead, ids)
for i = 2, #list do
  if at[i] or in_dead[i] then return 'taken' end
end

local keys = push_keys({}, list)
load_keys(keys, now)
local records = {}
local scores = {}
local new_families = {}
for _, job in ipairs(list) do
  local score, record = line_up(job, now)
  if job.family ~= '' then push(new_families, job.id, job.family) end
  push(records, job.id, record)
  push(scores, score, job.id)
end

-- A parent has its counts before its children can end.
call_many('HSET', families, new_families)
store_new(records, 0, MANY)
if #keys == 0 then call_many('ZADD', due, scores, MANY) else commit_keys(now, scores) end
return 'stored'
