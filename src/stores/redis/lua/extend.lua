-- Moves the ends of leases, and rewrites the records of those for which one is given. A job whose lease moves leaves
-- its run, and takes a slot of its own, even beyond the limit: the run keeps the others.
-- Each send ends the leases a millisecond later than the one before: what arrives late meets another lease.
-- @arg nonce number, renewals rows(id from:number others to:digits record key)
-- @reply list(flag)  0: the lease is gone
-- `from` and `to` are scores; `others`, joined by commas, those that the lease may have instead after earlier sends. A
-- record is '' if it is unchanged, and so is `key` if the job is of no run.
local ids = {}
local keys = {}
for _, renewal in ipairs(renewals) do
  push(ids, renewal.id)
  if renewal.key ~= '' then push(keys, renewal.key) end
end
load_keys(keys)
-- Whether a score is that of a lease which an earlier send may have made.
local function is_among(scores, score)
  for other in string.gmatch(scores, '%d+') do
    if tonumber(other) == score then return true end
  end
  return false
end

local function leave_run(lane, ends)
  if not lane.waiting[ends] then return end
  finish(lane, ends)
  lane.running = lane.running + 1
end

local at = {}
for i, score in ipairs(read_many('ZMSCORE', due, ids)) do at[ids[i]] = tonumber(score or -1) end
local reply = {}
local records = {}
local members = {}
for _, renewal in ipairs(renewals) do
  local id = renewal.id
  local to = tonumber(renewal.to)
  local holds = at[id] == renewal.from or is_among(renewal.others, at[id])
  if holds and renewal.record ~= '' then push(records, id, renewal.record) end
  if holds and at[id] ~= to then
    local ends = unpack_score(to)
    push(members, renewal.to, id, whole(UPPER + ends * 1024 + nonce), LEASE .. id)
    if renewal.key ~= '' and at[id] == renewal.from then leave_run(lanes_by_key[renewal.key], (unpack_score(renewal.from))) end
  end
  push(reply, holds and 1 or 0)
end
call_many('HSET', jobs, records)
commit_keys(0, members)
return reply
