package image

// Programs that ask who they are expect an answer, also on an empty base.
const (
	usersFile  = "root:x:0:0:root:/:/sbin/nologin\napi:x:65532:65532:api:/:/sbin/nologin\n"
	groupsFile = "root:x:0:\napi:x:65532:\n"
)
