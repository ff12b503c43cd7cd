-- One page of the jobs in a state.
-- @arg state scheduled|ready|running|completed|dead, now number, limit number, most_bytes number
-- @arg last_score digits?, last_member text?  of the last job seen; none for the first page
-- @reply more flag, jobs rows(id score:number record order:number)  order: the score by which the page is ordered
-- Waiting and running jobs are in the order of their times, dead and completed ones newest first.
-- A job whose record has expired has an empty one.
local key = ({ dead = dead, completed = done_order })[state] or due
local reversed = key ~= due
local low = ({ scheduled = whole(after(now)), running = whole(UPPER + after(now)) })[state] or '0'
-- If the cursor is before the state, as a foreign one may be, the page begins where the state does.
if last_member ~= '' and not reversed and tonumber(last_score) < tonumber(low) then
  last_score = ''
  last_member = ''
end

-- How many members come before the page. The first page begins at a score: they are counted only if it takes a second
-- round.
local at
if last_member ~= '' then
  at = members_until(key, last_score, last_member, reversed)
elseif reversed then
  at = 0
end

local function read_range()
  if reversed then return call('ZRANGE', key, at, at + limit - 1, 'REV', 'WITHSCORES') end
  if at then return call('ZRANGE', key, at, at + limit - 1, 'WITHSCORES') end
  return call('ZRANGE', key, low, '+inf', 'BYSCORE', 'LIMIT', 0, limit, 'WITHSCORES')
end

local function is_seen(member, score)
  if last_member == '' or tonumber(score) ~= tonumber(last_score) then return false end
  if reversed then return not is_after(last_member, member) end
  return not is_after(member, last_member)
end

-- Jobs in lines come after all others.
local in_lines = last_member ~= '' and not reversed and tonumber(last_score) >= IN_LINE

local function is_beyond(score)
  if reversed then return score < 0 or (state == 'completed' and score <= now) end
  if state == 'running' then return score >= IN_LINE end
  if in_lines then return score >= (state == 'ready' and IN_LINE + after(now) or LINES_END) end
  return score >= (state == 'ready' and after(now) or UPPER)
end

local function belongs(member, score)
  if state == 'running' or reversed then return true end
  local _, _, leased = unpack_score(score)
  return is_job(member) and (state == 'ready' or leased == 0)
end

local found = {}
local scores = {}
local ended = false
local full = false
local function goes_on() return (#found < limit or in_lines) and not ended and not full end
while goes_on() do
  local range = read_range()
  ended = #range < 2 * limit
  for i = 1, #range, 2 do
    local member = range[i]
    local score = tonumber(range[i + 1])
    if is_beyond(score) then
      ended = state == 'running' or reversed or in_lines
      if not ended then
        in_lines = true
        -- The round adds a page at its end.
        at = call('ZCOUNT', key, '-inf', '(' .. whole(IN_LINE + low)) - limit
      end
      break
    end
    if not is_seen(member, score) and belongs(member, score) then
      full = #found == limit
      if full then
        ended = false
        break
      end
      local name = state == 'running' and string.sub(member, #LEASE + 1) or member
      push(found, name)
      scores[#found] = range[i + 1]
    end
  end
  if not at and goes_on() then at = call('ZCOUNT', key, '-inf', '(' .. low) end
  at = at and at + limit
end
local own_scores = state == 'running' and read_many('ZMSCORE', due, found) or scores
local hash = state == 'dead' and dead_jobs or jobs
local records, fitting = read_fitting(hash, found, most_bytes)
local reply = { ended and fitting == #found and 0 or 1 }
for i = 1, fitting do push(reply, found[i], own_scores[i], records[i] or '', scores[i]) end
return reply
