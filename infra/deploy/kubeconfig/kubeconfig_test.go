package kubeconfig

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/tools/clientcmd"
)

// TestWriteIsWhatClientsRead checks that the code of Kubernetes' clients can read
// the kubeconfig.
func TestWriteIsWhatClientsRead(t *testing.T) {
	written, err := Write(Cluster{
		Name: "it's", Server: "https://cluster.test", CA: "Y2VydGlmaWNhdGU=",
		Command: "aws", Args: []string{"eks", "get-token", "--cluster-name", `a "b"`}, Hint: "install it",
	})
	require.NoError(t, err)
	read, err := clientcmd.Load([]byte(written))
	require.NoError(t, err)
	require.NoError(t, clientcmd.ConfirmUsable(*read, ""))
	assert.Equal(t, "it's", read.CurrentContext)
	cluster := read.Clusters[read.Contexts["it's"].Cluster]
	assert.Equal(t, "https://cluster.test", cluster.Server)
	assert.Equal(t, "certificate", string(cluster.CertificateAuthorityData))
	user := read.AuthInfos[read.Contexts["it's"].AuthInfo]
	assert.Empty(t, user.Token)
	assert.Equal(t, "aws", user.Exec.Command)
	assert.Equal(t, []string{"eks", "get-token", "--cluster-name", `a "b"`}, user.Exec.Args)
	assert.Equal(t, "Never", string(user.Exec.InteractiveMode))
}
