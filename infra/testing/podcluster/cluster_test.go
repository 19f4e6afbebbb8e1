//go:build linux

package podcluster_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"escala/infra/testing/apiserver"
	"escala/infra/testing/kube"
	"escala/infra/testing/podcluster"
	"escala/infra/testing/podcluster/isolated"
	"escala/infra/workspace"
)

func TestMain(m *testing.M) {
	if os.Getenv(apiserver.Variable) == "" || isolated.Possible() != nil {
		os.Exit(m.Run())
	}
	isolated.Run(m.Run)
}

// world is a cluster with an image of the program in testdata.
type world struct {
	t       *testing.T
	cluster *podcluster.Cluster
	client  dynamic.Interface
	config  *rest.Config
	image   string
}

func start(t *testing.T) *world {
	t.Helper()
	if os.Getenv(apiserver.Variable) == "" {
		t.Skip(apiserver.Variable + " is not set; make test-rest sets it")
	}
	if err := isolated.Possible(); err != nil {
		t.Skip(err)
	}
	root, err := workspace.Root()
	require.NoError(t, err)
	cluster, err := podcluster.Start(t.Context(), podcluster.NewOptions(root))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, cluster.Stop()) })
	config, err := clientcmd.BuildConfigFromFlags("", cluster.Kubeconfig)
	require.NoError(t, err)
	config.QPS = -1
	client, err := dynamic.NewForConfig(config)
	require.NoError(t, err)
	w := &world{t: t, cluster: cluster, client: client, config: config}
	w.push()
	_, err = client.Resource(namespaces).Create(t.Context(), &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": namespace},
	}}, metav1.CreateOptions{})
	require.NoError(t, err)
	w.await("the namespace gets its account", func() bool {
		_, err := client.Resource(accounts).Namespace(namespace).Get(t.Context(), "default", metav1.GetOptions{})
		return err == nil
	})
	return w
}

// push builds the program and pushes an image of it.
func (w *world) push() {
	w.t.Helper()
	program := filepath.Join(w.t.TempDir(), "program")
	cmd := exec.CommandContext(w.t.Context(), "go", "build", "-o", program, "./testdata/program")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoError(w.t, err, string(out))
	content, err := os.ReadFile(program)
	require.NoError(w.t, err)
	var b bytes.Buffer
	files := tar.NewWriter(&b)
	require.NoError(w.t, files.WriteHeader(&tar.Header{Name: "program", Mode: 0o755, Size: int64(len(content))}))
	_, err = files.Write(content)
	require.NoError(w.t, err)
	require.NoError(w.t, files.Close())
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	require.NoError(w.t, err)
	img, err := mutate.AppendLayers(empty.Image, layer)
	require.NoError(w.t, err)
	file, err := img.ConfigFile()
	require.NoError(w.t, err)
	file = file.DeepCopy()
	file.OS, file.Architecture = "linux", runtime.GOARCH
	file.Config = v1.Config{Entrypoint: []string{"/program"}, Cmd: []string{"serve"}, User: "1234:1234"}
	img, err = mutate.ConfigFile(img, file)
	require.NoError(w.t, err)
	reference, err := name.ParseReference(w.cluster.Registry + "/program:1")
	require.NoError(w.t, err)
	require.NoError(w.t, remote.Write(reference, img))
	w.image = reference.Name()
}

func (w *world) await(what string, done func() bool) {
	w.t.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("%s: not within a minute\n%s", what, w.pods())
		}
	}
}

// pods describes all pods.
func (w *world) pods() string {
	var b strings.Builder
	all, err := w.client.Resource(kube.Pods).Namespace(namespace).List(w.t.Context(), metav1.ListOptions{})
	require.NoError(w.t, err)
	for i := range all.Items {
		fmt.Fprintf(&b, "%s: %v\n", all.Items[i].GetName(), all.Items[i].Object["status"])
	}
	return b.String()
}

// run runs a part of the test.
func (w *world) run(name string, part func(t *testing.T)) {
	whole := w.t
	whole.Run(name, func(t *testing.T) {
		w.t = t
		defer func() { w.t = whole }()
		part(t)
	})
}

// container returns a container of the program.
func (w *world) container(more map[string]any, args ...string) map[string]any {
	c := map[string]any{"name": "main", "image": w.image, "args": list(args)}
	for key, value := range more {
		c[key] = value
	}
	return c
}

func (w *world) create(kind resource, name string, object map[string]any) {
	w.t.Helper()
	object["apiVersion"], object["kind"] = kind.version, kind.kind
	object["metadata"] = map[string]any{"name": name, "namespace": namespace, "labels": map[string]any{"app": name}}
	_, err := w.client.Resource(kind.of).Namespace(namespace).Create(w.t.Context(), &unstructured.Unstructured{Object: object}, metav1.CreateOptions{})
	require.NoError(w.t, err)
}

// pod creates a pod with one container.
func (w *world) pod(name string, container map[string]any, more map[string]any) {
	w.t.Helper()
	spec := noToken(container)
	for key, value := range more {
		spec[key] = value
	}
	w.create(podKind, name, map[string]any{"spec": spec})
}

// state returns a pod and the state of its container.
func (w *world) state(pod string) (p *unstructured.Unstructured, state, last map[string]any, restarts int64) {
	w.t.Helper()
	p, err := w.client.Resource(kube.Pods).Namespace(namespace).Get(w.t.Context(), pod, metav1.GetOptions{})
	if err != nil {
		return nil, nil, nil, 0
	}
	all, _, _ := unstructured.NestedSlice(p.Object, "status", "containerStatuses")
	if len(all) == 0 {
		return p, nil, nil, 0
	}
	c := all[0].(map[string]any)
	state, _ = c["state"].(map[string]any)
	last, _ = c["lastState"].(map[string]any)
	restarts, _ = c["restartCount"].(int64)
	return p, state, last, restarts
}

func (w *world) ready(pod string) bool {
	p, _, _, _ := w.state(pod)
	if p == nil {
		return false
	}
	all, _, _ := unstructured.NestedSlice(p.Object, "status", "conditions")
	for _, one := range all {
		if c := one.(map[string]any); c["type"] == "Ready" {
			return c["status"] == "True"
		}
	}
	return false
}

// logs returns the log of a pod, as kubectl logs does.
func (w *world) logs(pod, query string) string {
	w.t.Helper()
	client, err := rest.HTTPClientFor(w.config)
	require.NoError(w.t, err)
	resp, err := client.Get(w.config.Host + "/api/v1/namespaces/" + namespace + "/pods/" + pod + "/log?" + query)
	require.NoError(w.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(w.t, err)
	return string(body)
}

func (w *world) delete(pod string, grace int64) {
	w.t.Helper()
	require.NoError(w.t, w.client.Resource(kube.Pods).Namespace(namespace).Delete(w.t.Context(), pod, metav1.DeleteOptions{GracePeriodSeconds: &grace}))
}

// TestPlayedKubelet checks what a kubelet does to pods. Parts with hyphens are
// named after the behaviours in package cloudfake.
func TestPlayedKubelet(t *testing.T) {
	w := start(t)
	probe := func(more map[string]any) map[string]any {
		p := map[string]any{"httpGet": map[string]any{"path": "/", "port": int64(8080)}, "periodSeconds": int64(1), "failureThreshold": int64(2)}
		for key, value := range more {
			p[key] = value
		}
		return p
	}
	served := w.container(map[string]any{
		"startupProbe": probe(nil), "readinessProbe": probe(nil), "livenessProbe": probe(nil),
		"ports":     []any{map[string]any{"name": "http", "containerPort": int64(8080)}},
		"lifecycle": map[string]any{"preStop": map[string]any{"httpGet": map[string]any{"path": "/stopping", "port": "http"}}},
	}, "serve")
	w.create(deploymentKind, "web", map[string]any{"spec": map[string]any{
		"replicas": int64(2), "selector": map[string]any{"matchLabels": map[string]any{"app": "web"}},
		"template": map[string]any{"metadata": map[string]any{"labels": map[string]any{"app": "web"}}, "spec": noToken(served)},
	}})
	w.create(serviceKind, "web", map[string]any{"spec": map[string]any{
		"selector": map[string]any{"app": "web"}, "ports": []any{map[string]any{"name": "http", "port": int64(80), "targetPort": "http"}},
	}})
	w.create(ingressKind, "web", map[string]any{"spec": map[string]any{"rules": []any{map[string]any{
		"host": "web.example", "http": map[string]any{"paths": []any{map[string]any{
			"path": "/", "pathType": "Prefix", "backend": map[string]any{"service": map[string]any{"name": "web", "port": map[string]any{"name": "http"}}},
		}}},
	}}}})
	w.pod("lively", served, nil)
	w.pod("patient", w.container(map[string]any{
		"readinessProbe": probe(nil),
		"lifecycle":      map[string]any{"preStop": map[string]any{"sleep": map[string]any{"seconds": int64(60)}}},
	}, "serve"), map[string]any{"terminationGracePeriodSeconds": int64(90)})
	w.pod("crashing", w.container(nil, "exit", "7"), nil)
	w.pod("greedy", w.container(map[string]any{"resources": map[string]any{"limits": map[string]any{"memory": "32Mi"}}}, "eat"), nil)
	w.pod("deaf", w.container(nil, "deaf"), nil)
	w.pod("elsewhere", w.container(nil, "serve"), map[string]any{"nodeSelector": map[string]any{"kubernetes.io/arch": "riscv64"}})
	w.pod("root", w.container(map[string]any{"securityContext": map[string]any{"runAsNonRoot": true, "runAsUser": int64(0)}}, "serve"), nil)
	w.create(configMapKind, "words", map[string]any{"data": map[string]any{"GREETING": "hello"}})
	w.pod("who", w.container(map[string]any{
		"envFrom": []any{map[string]any{"configMapRef": map[string]any{"name": "words"}}},
		"env": []any{
			map[string]any{"name": "NAME", "valueFrom": map[string]any{"fieldRef": map[string]any{"fieldPath": "metadata.name"}}},
			map[string]any{"name": "IP", "valueFrom": map[string]any{"fieldRef": map[string]any{"fieldPath": "status.podIP"}}},
			map[string]any{"name": "LIMIT", "valueFrom": map[string]any{"resourceFieldRef": map[string]any{"resource": "limits.memory"}}},
		},
		"resources":       map[string]any{"limits": map[string]any{"memory": "64Mi"}},
		"securityContext": map[string]any{"readOnlyRootFilesystem": true, "runAsUser": int64(4321)},
		"volumeMounts":    []any{map[string]any{"name": "tmp", "mountPath": "/tmp"}},
	}, "who"), map[string]any{"restartPolicy": "Never", "volumes": []any{map[string]any{"name": "tmp", "emptyDir": map[string]any{}}}})
	job := func(name string, args ...string) {
		spec := noToken(w.container(map[string]any{"terminationMessagePolicy": "FallbackToLogsOnError"}, args...))
		spec["restartPolicy"] = "Never"
		w.create(jobKind, name, map[string]any{"spec": map[string]any{"backoffLimit": int64(0), "template": map[string]any{"spec": spec}}})
	}
	job("done", "exit", "0")
	job("undone", "exit", "3")

	w.run("jobs-pods-end", func(t *testing.T) {
		for name, want := range map[string]string{"done": "Complete", "undone": "Failed"} {
			w.await(name, func() bool {
				j, err := w.client.Resource(jobKind.of).Namespace(namespace).Get(t.Context(), name, metav1.GetOptions{})
				require.NoError(t, err)
				all, _, _ := unstructured.NestedSlice(j.Object, "status", "conditions")
				for _, one := range all {
					if c := one.(map[string]any); c["type"] == want && c["status"] == "True" {
						return true
					}
				}
				return false
			})
		}
		pods, err := w.client.Resource(kube.Pods).Namespace(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "job-name=undone"})
		require.NoError(t, err)
		require.Len(t, pods.Items, 1)
		p, state, _, _ := w.state(pods.Items[0].GetName())
		phase, _, _ := unstructured.NestedString(p.Object, "status", "phase")
		assert.Equal(t, "Failed", phase)
		ended := state["terminated"].(map[string]any)
		assert.EqualValues(t, 3, ended["exitCode"])
		assert.Equal(t, "ends with 3", ended["message"])
	})
	w.run("what a container is", func(t *testing.T) {
		w.await("who", func() bool { return strings.Contains(w.logs("who", ""), "true") })
		assert.Equal(t, "1 4321 1234 true true 67108864 hello false true\n", w.logs("who", ""))
	})
	w.run("restart-back-off", func(t *testing.T) {
		w.await("the first restart is at once, the second is not", func() bool {
			_, state, last, restarts := w.state("crashing")
			waiting, _ := state["waiting"].(map[string]any)
			ended, _ := last["terminated"].(map[string]any)
			if waiting["reason"] != "CrashLoopBackOff" || restarts == 0 {
				return false
			}
			assert.EqualValues(t, 7, ended["exitCode"])
			assert.Contains(t, waiting["message"], fmt.Sprintf("back-off %s restarting", 10*time.Second<<(restarts-1)))
			return true
		})
		for _, query := range []string{"tailLines=5", "previous=true"} {
			w.await(query, func() bool { return w.logs("crashing", query) == "ends with 7\n" })
		}
	})
	w.run("memory-limit-kills", func(t *testing.T) {
		if !w.cluster.LimitsMemory {
			t.Skip("this computer has no control groups for memory")
		}
		w.await("OOMKilled", func() bool {
			_, state, last, _ := w.state("greedy")
			for _, s := range []map[string]any{state, last} {
				if ended, _ := s["terminated"].(map[string]any); ended["reason"] == "OOMKilled" {
					return true
				}
			}
			return false
		})
	})
	w.run("pods that cannot run say why", func(t *testing.T) {
		w.await("no node", func() bool {
			p, _, _, _ := w.state("elsewhere")
			return strings.Contains(fmt.Sprint(p.Object["status"]), "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector")
		})
		w.await("root", func() bool {
			_, state, _, _ := w.state("root")
			waiting, _ := state["waiting"].(map[string]any)
			return waiting["reason"] == "CreateContainerConfigError"
		})
	})
	w.run("kill-after-grace", func(t *testing.T) {
		w.await("deaf", func() bool { return strings.Contains(w.logs("deaf", ""), "hears") })
		began := time.Now()
		w.delete("deaf", 1)
		w.await("gone", func() bool { p, _, _, _ := w.state("deaf"); return p == nil })
		assert.GreaterOrEqual(t, time.Since(began), 2*time.Second, "two seconds are the least")
	})
	w.run("names, Services and the ingress controller lead to ready pods", func(t *testing.T) {
		request := func() (int, string) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.cluster.URL, nil)
			require.NoError(t, err)
			req.Host = "web.example"
			req.Header.Set("X-Forwarded-For", "203.0.113.9")
			resp, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			return resp.StatusCode, string(body)
		}
		w.await("the ingress", func() bool { code, _ := request(); return code == http.StatusOK })
		_, body := request()
		assert.Equal(t, "172.31.0.10 web.example\n", body, "what a client claims is replaced")
		job("asks", "get", "http://web")
		w.await("by name", func() bool {
			j, err := w.client.Resource(jobKind.of).Namespace(namespace).Get(t.Context(), "asks", metav1.GetOptions{})
			require.NoError(t, err)
			n, _, _ := unstructured.NestedInt64(j.Object, "status", "succeeded")
			return n == 1
		})
	})
	w.run("pre-stop-before-term", func(t *testing.T) {
		w.await("ready", func() bool { return w.ready("lively") })
		p, _, _, _ := w.state("lively")
		address, _, _ := unstructured.NestedString(p.Object, "status", "podIP")
		resp, err := http.Get("http://" + address + ":8080/sick")
		require.NoError(t, err)
		resp.Body.Close()
		w.await("not ready", func() bool { return !w.ready("lively") })
		w.await("again", func() bool { _, _, _, restarts := w.state("lively"); return restarts >= 1 && w.ready("lively") })
		assert.Equal(t, "preStop\nSIGTERM\n", w.logs("lively", "previous=true"), "the hook comes before the signal")
	})
	w.run("a process that is killed is started again", func(t *testing.T) {
		require.NoError(t, w.cluster.Kubelet.Kill(namespace, "lively"))
		w.await("again", func() bool {
			_, _, last, _ := w.state("lively")
			ended, _ := last["terminated"].(map[string]any)
			return ended["exitCode"] == int64(137)
		})
	})
	w.run("forced-deletion-has-a-second", func(t *testing.T) {
		w.await("ready", func() bool { return w.ready("patient") })
		p, _, _, _ := w.state("patient")
		address, _, _ := unstructured.NestedString(p.Object, "status", "podIP")
		client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
		serves := func() bool {
			resp, err := client.Get("http://" + address + ":8080/")
			if err != nil {
				return false
			}
			resp.Body.Close()
			return true
		}
		w.delete("patient", 0)
		assert.True(t, serves(), "it serves on: preStop would last for a minute")
		p, _, _, _ = w.state("patient")
		assert.Nil(t, p, "the API has it no more")
		began := time.Now()
		w.await("the end of its preStop hook", func() bool { return !serves() })
		assert.Less(t, time.Since(began), 50*time.Second)
	})
}

const namespace = "shop"

// noToken describes a pod without the token of a service account: the kubelet here
// does not simulate that volume.
func noToken(container map[string]any) map[string]any {
	return map[string]any{"containers": []any{container}, "automountServiceAccountToken": false}
}

func list(texts []string) []any {
	var all []any
	for _, text := range texts {
		all = append(all, text)
	}
	return all
}
