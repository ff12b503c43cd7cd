-- One page of the dead jobs of a group of failures, newest first.
-- @arg score digits, limit number, most_bytes number
-- @arg last_dead_since digits?, last_id text?  of the last job seen; none for the first page
-- @reply more flag, jobs rows(id dead_since:number record)
local first = call('ZCOUNT', dead, '-inf', '(' .. score)
local past = call('ZCOUNT', dead, '-inf', score)

local function is_newer(rank, entry)
  return is_after(call('ZRANGE', dead, rank, rank)[1], entry)
end

-- The rank after all entries that are older: where the last job seen was, if it has left the group.
local function rank_after_older(entry)
  local rank = call('ZRANK', dead, entry)
  if rank and rank >= first and rank < past then return rank end
  local low = first
  local high = past
  -- As a rule all that is newer has left too.
  if high > low and not is_newer(high - 1, entry) then low = high end
  while low < high do
    local middle = math.floor((low + high) / 2)
    if is_newer(middle, entry) then high = middle else low = middle + 1 end
  end
  return low
end

if last_id ~= '' then past = rank_after_older(group_entry(last_dead_since, last_id)) end
local from = math.max(past - limit, first)
local range = past > from and call('ZRANGE', dead, from, past - 1) or {}
local ids = {}
for i = #range, 1, -1 do push(ids, string.sub(range[i], 16)) end
local records, fitting = read_fitting(dead_jobs, ids, most_bytes)
local reply = { (from > first or fitting < #ids) and 1 or 0 }
for i = 1, fitting do
  local entry = range[#range + 1 - i]
  push(reply, ids[i], string.sub(entry, 2, 14), records[i] or '')
end
return reply
