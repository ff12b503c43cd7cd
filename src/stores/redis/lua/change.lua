-- Rewrites a waiting job if it has not changed since it was read.
-- @arg id text, read_time number, read_claims number, new_score number  time and claims as read
-- @arg record text?, prefix text  no record: unchanged; prefix: '2:ORDER:KEY:...:' of its key, '' if it has none
-- @reply flag
record = record ~= '' and prefix .. record
local stored = tonumber(call('ZSCORE', due, id) or -1)
local in_line = stored >= IN_LINE
local score = in_line and stored - IN_LINE or stored
local time, claims = unpack_score(score)
local unchanged = time == read_time and claims == read_claims
local repeated = score == new_score and (not record or call('HGET', jobs, id) == record)
if not unchanged and not repeated then return 0 end
-- A parent still waits for its children, whenever it may run.
if score == FOR_CHILDREN then
  if record then
    local key_head = string.match(call('HGET', jobs, id) or '', '^2:%d+:[^:]+:%d+:%d+:%d+:%d:') or ''
    call('HSET', jobs, id, key_head .. record)
  end
  if new_score ~= score then
    local text = call('HGET', families, id) or ''
    call('HSET', families, id, (string.gsub(text, '%d+$', whole(unpack_score(new_score)), 1)))
  end
  return 1
end
if record then call('HSET', jobs, id, record) end
local key, order = flow_of(prefix)
if not key then
  call('ZADD', due, whole(new_score), id)
  return 1
end
load_keys({ key })
local lane = lanes_by_key[key]
if not in_line then finish(lane, time) end
if score ~= new_score or not in_line then
  if in_line then remove(lane, order, score, id) end
  insert(lane, order, new_score, id)
end
commit_keys(0, { whole(IN_LINE + new_score), id }, {})
return 1
