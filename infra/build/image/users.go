package image

// Some programs look up their own user, so these files exist even on an empty
// base.
const (
	usersFile  = "root:x:0:0:root:/:/sbin/nologin\napi:x:65532:65532:api:/:/sbin/nologin\n"
	groupsFile = "root:x:0:\napi:x:65532:\n"
)
