-- Children that end or are removed, and the parents that this releases. The script has set `counting`: of how many
-- parents more it may count the children (`most`; those that it leaves are due, and later claims count), the parents
-- whose children have all ended (`released`): how many of these are dead, -1 if that is not known; and the records that
-- it has read (`read`), by their ids.
-- The families that a script meets, also by the ids of their parents; and its children, by what the script calls them.
local families = {}
local family_of = {}
local children = {}

-- Adds to members of `due` that are read those that report how a child and its parent are.
-- @param last what follows the parent's id in the id of its last child, '' if that is not known.
local function note_child(members, name, id, last)
  local parent = parent_of(id)
  if not parent then return end
  local family = family_of[parent]
  if not family then
    family = { id = parent, at = #members + 1, last = parent .. '/' .. last, leaving = 0, dead = 0, dropped = 0 }
    family.total = tonumber(string.match(last, '^%d+') or -2) + 1
    family_of[parent] = family
    push(families, family)
    push(members, parent, CHILD .. family.last)
  end
  push(members, CHILD .. id)
  children[name] = { id = id, family = family, at = #members }
end

-- A child is about to leave `due`. Returns its family; nil if the job is no child.
-- @param fate 'dead', or 'dropped' if it is removed and is neither completed nor dead.
local function end_child(name, scores, leaving, fate)
  local child = children[name]
  local score = child and scores[child.at]
  if not score then return nil end
  local family = child.family
  family.number = number_of(score)
  family.leaving = family.leaving + 1
  if fate then family[fate] = family[fate] + 1 end
  family.ends_last = family.ends_last or child.id == family.last
  push(leaving, CHILD .. child.id)
  return family
end

-- Whether nothing of a family is left once these children have left. While its last child lives, or if all leave at
-- once, nothing need be counted.
local function is_last_out(family, scores)
  if scores[family.at + 1] and not family.ends_last then return false end
  if family.leaving == family.total then
    counting.released[family.id] = family.dead
    return true
  end
  if counting.most == 0 then return true end
  counting.most = counting.most - 1
  if count_marks(family_score(family.number)) > family.leaving then return false end
  counting.released[family.id] = -1
  return true
end

-- The records of parents. The script reads each once.
local function read_parents(ids)
  local unread = {}
  for _, id in ipairs(ids) do
    if counting.read[id] == nil then push(unread, id) end
  end
  for i, record in ipairs(read_many('HMGET', jobs, unread)) do counting.read[unread[i]] = record end
end

-- Adds parents to a ZADD of `due`. Another job may have got the id of one that was cancelled.
local function move_parents(ids, adding, time)
  read_parents(ids)
  for _, id in ipairs(ids) do
    if waits_for_others(counting.read[id]) then push(adding, whole(time * 1024), id) end
  end
end

-- Adds to a ZADD of `due` the parents of which nothing will be left. It comes before their children leave: if the
-- script fails in between, a claim meets them, counts, and they wait on.
local function release_parents(scores, adding, time)
  local ids = {}
  for _, family in ipairs(families) do
    local score = scores[family.at]
    if family.leaving > 0 and is_unclaimed(score) and is_last_out(family, scores) and tonumber(score) > time * 1024 then
      push(ids, family.id)
    end
  end
  move_parents(ids, adding, time)
end

-- Counts in their parents the children that were dropped. It comes last of all.
local function count_dropped()
  local ids = {}
  local records = {}
  for _, family in ipairs(families) do
    if family.dropped > 0 then push(ids, family.id) end
  end
  read_parents(ids)
  for _, id in ipairs(ids) do
    local before, dropped, at = string.match(counting.read[id] or '', '^(3:%d+:%l:%d+:)(%d+)()')
    if before then
      counting.read[id] = before .. whole(dropped + family_of[id].dropped) .. string.sub(counting.read[id], at)
      push(records, id, counting.read[id])
    end
  end
  call_many('HSET', jobs, records)
end
