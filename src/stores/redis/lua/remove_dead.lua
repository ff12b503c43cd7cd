-- Removes jobs from the dead-letter queue for good.
-- @arg now number, all list(text)
-- @reply number  how many were there
-- include: _statistics.lua
-- include: _families.lua
local dead_since = read_many('ZMSCORE', dead, all)
local ids, members, seen = {}, {}, {}
for i, id in ipairs(all) do
  if dead_since[i] and not seen[id] then
    seen[id] = true
    push(ids, id)
    push(members, id, group_entry(dead_since[i], id))
    note_child(id, 'removed')
  end
end
if #ids == 0 then return 0 end
remove_dead(now, members, ids)
count_up(now, '')
return #ids
