-- Finds jobs wherever they are, or among the dead, as many as fit into one reply.
-- @arg most_bytes number, only_dead flag, ids list(text)
-- @reply read number, jobs rows(id set:due|completed|dead score:number record)  how many of the ids were read
local due_scores = only_dead and {} or read_many('ZMSCORE', due, ids)
local dead_scores = read_many('ZMSCORE', dead, ids)
local sets = {}
local set_of = {}
for i, id in ipairs(ids) do
  local name = due_scores[i] and 'due' or dead_scores[i] and 'dead' or 'completed'
  if name == 'dead' or not only_dead then
    sets[name] = sets[name] or { ids = {}, at = 0 }
    push(sets[name].ids, id)
    set_of[i] = name
  end
end
local hashes = { due = jobs, completed = jobs, dead = dead_jobs }
for name, set in pairs(sets) do set.records, set.fitting = read_fitting(hashes[name], set.ids, most_bytes) end
local reply = { 0 }
local bytes = 0
for i, id in ipairs(ids) do
  local name = set_of[i]
  local set = sets[name]
  local record
  if set then
    set.at = set.at + 1
    record = set.at <= set.fitting and set.records[set.at]
    bytes = bytes + #(record or '')
    if set.at > set.fitting then break end
  end
  if bytes > most_bytes and i > 1 then break end
  reply[1] = i
  if record then push(reply, id, name, due_scores[i] or dead_scores[i] or 0, record) end
end
return reply
