package cloudinit

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

// TestMetadataIsRootsAlone checks the rules in its own network namespace, in front
// of a metadata service. It sends requests as root and as another account.
func TestMetadataIsRootsAlone(t *testing.T) {
	asRoot(t, "a network of its own needs root")
	for _, program := range []string{"unshare", "nft", "ip", "setpriv", "python3", "curl"} {
		tool(t, program, "util-linux nftables iproute2 python3 curl")
	}
	m := NewMachine(service.NewSpec())
	m.MetadataOnlyRoot = []string{"169.254.169.254", "fd00:ec2::254"}
	files, err := m.metadataFiles()
	require.NoError(t, err)
	var rules string
	for _, f := range files {
		if strings.HasSuffix(f.Path, ".nft") {
			rules = f.Content
		}
	}
	folder := t.TempDir()
	require.NoError(t, os.Chmod(folder, 0o755))
	file := filepath.Join(folder, "metadata.nft")
	require.NoError(t, os.WriteFile(file, []byte(rules), 0o644))

	// The rules are loaded twice, because the unit may be restarted.
	script := `set -eu
ip link set lo up
ip address add 169.254.169.254/32 dev lo
ip address add fd00:ec2::254/128 dev lo nodad
nft -f "$1"; nft -f "$1"
cd "$2"
python3 -m http.server --bind :: 80 >/dev/null 2>&1 & server=$!
trap 'kill $server' EXIT
for url in http://169.254.169.254/ 'http://[fd00:ec2::254]/' http://127.0.0.1/; do
	n=0
	until curl --silent --fail --output /dev/null "$url"; do n=$((n + 1)); [ $n -lt 100 ]; sleep 0.1; done
	echo "root $url"
	! setpriv --reuid=65534 --regid=65534 --clear-groups curl --silent --fail --max-time 5 --output /dev/null "$url" || echo "other $url"
done
`
	out, err := exec.CommandContext(t.Context(), "unshare", "--net", "sh", "-c", script, "sh", file, folder).CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Equal(t, "root http://169.254.169.254/\nroot http://[fd00:ec2::254]/\nroot http://127.0.0.1/\nother http://127.0.0.1/\n", string(out))
}

func TestMetadataRefusesWhatIsNoAddress(t *testing.T) {
	m := testMachine(service.NewSpec())
	m.MetadataOnlyRoot = []string{"metadata.internal"}
	_, err := m.UserData()
	assert.ErrorContains(t, err, "closing the metadata service")
}
