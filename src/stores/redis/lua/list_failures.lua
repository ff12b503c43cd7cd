-- One page of the groups of failures, in the order of their scores.
-- @arg now number, limit number, most_bytes number, slot_ms number  bytes of samples; how long a slot of the trend is
-- @arg last digits?  score of the last group seen
-- @reply ungrouped number, more flag  how many dead jobs are in no group
-- @reply groups rows(score:number count:number first_at:number last_at:number id record trend)
-- The sample is the last. The trend says how many became dead in each slot of 24 hours: 3,0,,1 ('' for unknown).
local SLOTS = 86400000 / slot_ms
local COUNTED = 500
local entries = call('ZCOUNT', dead, '-inf', '(0')
local ungrouped = call('ZCOUNT', dead, 0, '+inf') - entries
local at = last == '' and 0 or call('ZCOUNT', dead, '-inf', last)
local groups = {}
local group
local more = false

-- Counts what became dead after `since`. A command reads up to 1,000 entries: many small groups, or the end of one.
local function count_dead(dead_since)
  local slot = math.max(math.floor((now - dead_since) / slot_ms), 0)
  if slot < SLOTS then group.trend[slot] = (group.trend[slot] or 0) + 1 end
end

while at < entries and not more do
  local range = call('ZRANGE', dead, at, math.min(at + PIECE, entries) - 1, 'WITHSCORES')
  for i = 1, #range, 2 do
    local member = range[i]
    local score = range[i + 1]
    if not group or group.score ~= score then
      more = #groups == limit
      if more then break end
      group = { score = score, first_rank = at + (i - 1) / 2, trend = {}, since = '-inf' }
      groups[#groups + 1] = group
    end
    local dead_since = tonumber(string.sub(member, 2, 14))
    group.first = group.first or dead_since
    group.since = group.since or dead_since
    group.last = dead_since
    group.id = string.sub(member, 16)
    group.past = at + (i + 1) / 2
    count_dead(dead_since)
  end
  at = at + #range / 2
  if not more and at < entries then
    local past = call('ZCOUNT', dead, '-inf', group.score)
    if past - COUNTED > at then
      at = past - COUNTED
      group.trend = {}
      group.since = nil
    end
  end
end

local ids = {}
for i, each in ipairs(groups) do ids[i] = each.id end
local records, fitting = read_fitting(dead_jobs, ids, most_bytes)
local reply = { ungrouped, (more or fitting < #groups) and 1 or 0 }
for i = 1, fitting do
  group = groups[i]
  local counts = {}
  local unknown = SLOTS
  if group.since ~= '-inf' then unknown = math.max(math.floor((now - group.since) / slot_ms), 0) end
  for slot = SLOTS - 1, 0, -1 do push(counts, slot <= unknown and (group.trend[slot] or 0) or '') end
  push(reply, group.score, group.past - group.first_rank, whole(group.first), whole(group.last))
  push(reply, group.id, records[i] or '', table.concat(counts, ','))
end
return reply
