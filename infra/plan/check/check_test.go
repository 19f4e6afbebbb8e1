package check

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/plan"
)

// noTools is the find function of a computer that has none of the programs.
func noTools(string) (string, error) { return "", errors.New("not here") }

// program returns the path of a program. A missing one fails the test, because a
// skipped test could hide a failure. -short skips the test.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := installed(name)
	if err != nil && testing.Short() {
		t.Skipf("needs %s; -short leaves that out", name)
	}
	require.NoError(t, err, "install the Debian packages that .ci/packages names")
	return path
}

// TestProgramsOfRootAreFound checks programs in /usr/sbin, which is not in the PATH
// of an ordinary account of Debian.
func TestProgramsOfRootAreFound(t *testing.T) {
	path := program(t, "nginx")
	t.Setenv("PATH", "/usr/bin:/bin")
	found, err := installed("nginx")
	require.NoError(t, err)
	assert.Equal(t, path, found)
	_, err = installed("no-such-program")
	require.ErrorIs(t, err, exec.ErrNotFound)
}

// findings returns the findings about a stack without the notices about missing
// programs and alarms.
func findings(t *testing.T, s plan.Stack, find func(string) (string, error)) []plan.Finding {
	t.Helper()
	var secrets plan.Secrets
	secrets.Add("the value of escala:secrets.KEY", "placeholder-for-escala:secrets.KEY")
	var kept []plan.Finding
	for _, f := range run(t.Context(), s, &secrets, find) {
		// Most stacks here have no alarms, which another test checks.
		if !strings.Contains(f.What, "is not installed on this computer") && f.Where != notify {
			kept = append(kept, f)
		}
		if f.Level != plan.Notice {
			assert.NotEmpty(t, f.What)
			assert.NotEmpty(t, f.Right, f.What)
		}
	}
	return kept
}

func res(kind, name string, raw map[string]any) plan.Resource {
	return plan.Resource{Type: kind, Name: name, ID: "made-up-" + name, URN: "urn:pulumi:s::p::" + kind + "::" + name, Raw: raw}
}

type (
	m = map[string]any
	l = []any
)

// TestBadResourcesAreFound checks that each bad resource has its expected findings,
// as the beginnings of "level where: what".
func TestBadResourcesAreFound(t *testing.T) {
	group := func(rule m) plan.Resource {
		return res("aws:ec2/securityGroup:SecurityGroup", "web", m{"ingress": l{rule}})
	}
	fire := func(rule m) plan.Resource {
		return res("digitalocean:index/firewall:Firewall", "web", m{"inboundRules": l{rule}})
	}
	role := func(policy string) plan.Resource {
		return res("aws:iam/rolePolicy:RolePolicy", "role", m{"policy": policy})
	}
	anywhere := l{"0.0.0.0/0"}
	for name, one := range map[string]struct {
		resources []plan.Resource
		want      []string
	}{
		"SSH on AWS":         {[]plan.Resource{group(m{"protocol": "tcp", "fromPort": 22.0, "toPort": 22.0, "cidrBlocks": anywhere})}, []string{"error web: port 22/tcp is open to 0.0.0.0/0"}},
		"a range over 80":    {[]plan.Resource{group(m{"protocol": "tcp", "fromPort": 80.0, "toPort": 443.0, "cidrBlocks": anywhere})}, []string{"error web: ports 80-443/tcp"}},
		"everything on AWS":  {[]plan.Resource{group(m{"protocol": "-1", "fromPort": 0.0, "toPort": 0.0, "ipv6CidrBlocks": l{"::/0"}})}, []string{"error web: every port (all protocols) is open to ::/0"}},
		"UDP on 443":         {[]plan.Resource{group(m{"protocol": "udp", "fromPort": 443.0, "toPort": 443.0, "cidrBlocks": anywhere})}, []string{"error web: port 443/udp"}},
		"the web":            {[]plan.Resource{group(m{"protocol": "tcp", "fromPort": 80.0, "toPort": 80.0, "cidrBlocks": anywhere})}, []string{"notice web: port 80/tcp is open"}},
		"its own group":      {[]plan.Resource{group(m{"protocol": "tcp", "fromPort": 6379.0, "toPort": 6379.0, "self": true})}, []string{"notice web: port 6379/tcp is open to itself"}},
		"a rule of its own":  {[]plan.Resource{res("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "ssh", m{"ipProtocol": "tcp", "fromPort": 22.0, "toPort": 22.0, "cidrIpv4": "10.0.0.0/8"})}, []string{"error ssh: port 22/tcp is open to 10.0.0.0/8"}},
		"an older rule":      {[]plan.Resource{res("aws:ec2/securityGroupRule:SecurityGroupRule", "db", m{"type": "ingress", "protocol": "tcp", "fromPort": 5432.0, "toPort": 5432.0, "cidrBlocks": anywhere})}, []string{"error db: port 5432/tcp"}},
		"outbound":           {[]plan.Resource{res("aws:ec2/securityGroupRule:SecurityGroupRule", "out", m{"type": "egress", "protocol": "-1", "cidrBlocks": anywhere})}, []string{"notice out: outbound: every port (all protocols) to 0.0.0.0/0"}},
		"SSH on DO":          {[]plan.Resource{fire(m{"protocol": "tcp", "portRange": "22", "sourceAddresses": anywhere})}, []string{"error web: port 22/tcp"}},
		"all ports on DO":    {[]plan.Resource{fire(m{"protocol": "tcp", "portRange": "all", "sourceAddresses": anywhere})}, []string{"error web: every port (tcp)"}},
		"no firewall":        {[]plan.Resource{res("digitalocean:index/droplet:Droplet", "vm", m{})}, []string{"error vm: no firewall"}},
		"an open API":        {[]plan.Resource{res("aws:eks/cluster:Cluster", "c", m{"vpcConfig": m{}})}, []string{"warning c: the cluster's API is open to 0.0.0.0/0"}},
		"a closed API":       {[]plan.Resource{res("aws:eks/cluster:Cluster", "c", m{"vpcConfig": m{"endpointPublicAccess": false}})}, nil},
		"every action":       {[]plan.Resource{role(`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"arn:x"}]}`)}, []string{"error role.policy: allows every action (*)"}},
		"a service's all":    {[]plan.Resource{role(`{"Statement":{"Effect":"Allow","Action":["s3:*"],"Resource":"arn:x"}}`)}, []string{"error role.policy: allows every action (s3:*)"}},
		"all but some":       {[]plan.Resource{role(`{"Statement":[{"Effect":"Allow","NotAction":["iam:*"],"Resource":"arn:x"}]}`)}, []string{"error role.policy: allows every action but some"}},
		"every resource":     {[]plan.Resource{role(`{"Statement":[{"Sid":"S","Effect":"Allow","Action":["s3:GetObject"],"Resource":["*"]}]}`)}, []string{"error role.policy (S): applies to every resource: s3:GetObject"}},
		"under a condition":  {[]plan.Resource{role(`{"Statement":[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":["*"],"Condition":{"Bool":{"x":"true"}}}]}`)}, []string{"warning role.policy: applies to every resource that its condition allows"}},
		"no other way":       {[]plan.Resource{role(`{"Statement":[{"Effect":"Allow","Action":["ecr:GetAuthorizationToken"],"Resource":"*"}]}`)}, []string{"notice role.policy: applies to every resource: AWS supports no narrower one"}},
		"a denial":           {[]plan.Resource{role(`{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Principal":"*"}]}`)}, nil},
		"everybody":          {[]plan.Resource{res("aws:iam/role:Role", "r", m{"assumeRolePolicy": `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`})}, []string{"error r.assumeRolePolicy: allows everybody"}},
		"no policy":          {[]plan.Resource{role(`{`)}, []string{"error role.policy: is not a policy"}},
		"an administrator":   {[]plan.Resource{res("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "a", m{"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"})}, []string{"error a: has the managed policy AdministratorAccess"}},
		"a bare bucket":      {[]plan.Resource{res("aws:s3/bucketV2:BucketV2", "b", m{})}, []string{"error b: may be made public", "error b: has no encryption setting", "warning b: accepts requests without TLS"}},
		"a public Space":     {[]plan.Resource{res("digitalocean:index/spacesBucket:SpacesBucket", "b", m{"acl": "public-read"})}, []string{"error b: has the ACL public-read"}},
		"a public object":    {[]plan.Resource{res("aws:s3/bucketObjectv2:BucketObjectv2", "o", m{"acl": "public-read"})}, []string{"error o: has the ACL public-read"}},
		"an open disk, v1":   {[]plan.Resource{res("aws:ec2/instance:Instance", "i", m{})}, []string{"error i.rootBlockDevice: is not encrypted", "error i.metadataOptions: the metadata service answers without a token"}},
		"too many hops":      {[]plan.Resource{res("aws:ec2/instance:Instance", "i", m{"rootBlockDevice": m{"encrypted": true}, "metadataOptions": m{"httpTokens": "required", "httpPutResponseHopLimit": 2.0}})}, []string{"warning i.metadataOptions: containers"}},
		"a secret, as input": {[]plan.Resource{res("x:y:Z", "z", m{"tags": m{"A": "placeholder-for-escala:secrets.KEY"}})}, []string{"error z.tags: holds the value of escala:secrets.KEY in the clear"}},
		"a password":         {[]plan.Resource{res("x:y:Z", "z", m{"env": l{m{"name": "DB_PASSWORD", "value": "hunter22"}}})}, []string{"error z.env: holds a password in an assignment in the clear"}},
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, one.want, findings(t, plan.Stack{Name: "s", Resources: one.resources}, noTools))
		})
	}
}

// expect compares findings with their expected beginnings, one by one.
func expect(t *testing.T, want []string, findings []plan.Finding) {
	t.Helper()
	require.Len(t, findings, len(want), "%+v", findings)
	for i, f := range findings {
		line := string(f.Level) + " " + f.Where + ": " + f.What
		assert.True(t, strings.HasPrefix(line, want[i]), "%q does not begin with %q", line, want[i])
		if f.Level == plan.Notice {
			assert.Empty(t, f.Right)
		}
	}
}

func TestAGoodBucketHasNoFindings(t *testing.T) {
	id := "made-up-b"
	findings := findings(t, plan.Stack{Resources: []plan.Resource{
		res("aws:s3/bucketV2:BucketV2", "b", m{}),
		res("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "b", m{"bucket": id, "blockPublicAcls": true, "blockPublicPolicy": true, "ignorePublicAcls": true, "restrictPublicBuckets": true}),
		res("aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2", "b", m{"bucket": id}),
		res("aws:s3/bucketPolicy:BucketPolicy", "b", m{"bucket": id, "policy": `{"Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`}),
	}}, noTools)
	assert.Empty(t, findings)
}

func TestUserDataIsHeldAgainstItsLimit(t *testing.T) {
	for bytes, want := range map[int]string{
		16385: "error vm: user-data: 16385 of 16384 bytes (100 %): the cloud refuses it",
		15000: "warning vm: user-data: 15000 of 16384 bytes (91 %)",
		1000:  "notice vm: user-data: 1000 of 16384 bytes (6 %)",
	} {
		expect(t, []string{want}, findings(t, plan.Stack{Machines: []plan.Machine{{Name: "vm", Bytes: bytes, Limit: 16384}}}, noTools))
	}
	expect(t, []string{"error vm: user-data: what is wrong"}, findings(t, plan.Stack{Machines: []plan.Machine{{Name: "vm", Error: "what is wrong"}}}, noTools))
}

func TestSecretsInUserData(t *testing.T) {
	const secret = "KEY=placeholder-for-escala:secrets.KEY\n"
	machine := func(resource string, sealed bool, f plan.File) plan.Stack {
		return plan.Stack{Machines: []plan.Machine{{Resource: resource, Name: "vm", Sealed: sealed, Files: []plan.File{f}}}}
	}
	const aws, local = "urn:aws:ec2/instance:Instance::vm", "urn:escala:local:Machine::vm"
	expect(t, []string{"error vm: /etc/key: holds the value of escala:secrets.KEY, which everyone"},
		findings(t, machine(aws, false, plan.File{Path: "/etc/key", Mode: "0600", Raw: secret}), noTools))
	expect(t, []string{"error vm: /etc/key: holds the value of escala:secrets.KEY in a file of mode 0644"},
		findings(t, machine(aws, true, plan.File{Path: "/etc/key", Raw: secret}), noTools))
	expect(t, []string{"notice vm: /etc/key: holds the value of escala:secrets.KEY: root on the machine can read it"},
		findings(t, machine(aws, true, plan.File{Path: "/etc/key", Mode: "0600", Raw: secret}), noTools))
	expect(t, []string{"warning vm: /etc/key: holds the value of escala:secrets.KEY"},
		findings(t, machine(local, false, plan.File{Path: "/etc/key", Raw: secret}), noTools))
	expect(t, []string{"error vm: user-data: holds a password in a URL"},
		findings(t, plan.Stack{Machines: []plan.Machine{{Name: "vm", Raw: "postgres://a:hunter22@b/c"}}}, noTools))
}

// TestRealProgramsRefuseBadFiles checks each real program with a file that it must
// refuse.
func TestRealProgramsRefuseBadFiles(t *testing.T) {
	for name, one := range map[string]struct {
		program, path, good, bad, want string
	}{
		"nginx": {
			"nginx", nginxConf,
			"user www-data;\npid /run/nginx.pid;\nevents {}\nhttp {\n\taccess_log off;\n\tinclude /etc/nginx/mime.types;\n\tserver {\n\t\tlisten 80 default_server backlog=9;\n\t\tlisten [::]:80;\n\t}\n}\n",
			"events {}\nhttp {\n\tserver {\n\t\tlisten 80;\n\t\tproxy_pas http://x;\n\t}\n}\n",
			`error vm: /etc/nginx/nginx.conf: nginx -t refuses it: [emerg] unknown directive "proxy_pas" in /nginx.conf:5`,
		},
		"nginx, HTTPS": {
			"nginx", nginxConf,
			"pid /run/nginx.pid;\nevents {}\nhttp {\n\taccess_log off;\n\tserver {\n\t\tlisten 443 ssl http2 default_server;\n\t\tssl_certificate /run/escala-certificates/self-signed.pem;\n\t\tssl_certificate_key /run/escala-certificates/self-signed.pem;\n\t}\n}\n",
			"pid /run/nginx.pid;\nevents {}\nhttp {\n\taccess_log off;\n\tserver {\n\t\tlisten 443 ssl;\n\t\tssl_certificate /run/escala-certificates/self-signed.pem;\n\t\tssl_certificat_key /run/escala-certificates/self-signed.pem;\n\t}\n}\n",
			`error vm: /etc/nginx/nginx.conf: nginx -t refuses it: [emerg] unknown directive "ssl_certificat_key"`,
		},
		"supervisor": {
			"supervisord", supervisordConf,
			"[supervisord]\nlogfile=/var/log/supervisor/x.log\n[program:a]\ncommand=/usr/bin/a\nuser=nobody-here\nstdout_logfile=/var/log/a/a.log\n",
			"[supervisord]\n[program:a]\nautostart=true\n",
			"error vm: /etc/supervisor/supervisord.conf: supervisord refuses it: Error: program section program:a does not specify a command",
		},
		"systemd": {
			"systemd-analyze", "/etc/systemd/system/a.service",
			"[Unit]\nDescription=a\n[Service]\nExecStart=/usr/local/lib/escala/a run\nRestart=always\n",
			"[Unit]\nDescription=a\n[Service]\nExecStart=/bin/true\nRestrat=always\n",
			"error vm: systemd: systemd-analyze verify reports: a.service:5: Unknown key ",
		},
		"systemd, drop-in": {
			"systemd-analyze", "/etc/systemd/system/nginx.service.d/a.conf",
			"[Service]\nRestart=always\n",
			"[Service]\nRestart=at-noon\n",
			"error vm: systemd: systemd-analyze verify reports: nginx.service.d/a.conf:2:",
		},
		"sh": {
			"sh", "/usr/local/bin/a", "#!/bin/sh\nif true; then echo; fi\n", "#!/bin/sh\nif true; then echo\n",
			"error vm: /usr/local/bin/a: sh cannot read it:",
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := program(t, one.program)
			only := func(program string) (string, error) {
				if program == one.program {
					return path, nil
				}
				return noTools(program)
			}
			machine := func(content string) plan.Stack {
				return plan.Stack{Machines: []plan.Machine{{Name: "vm", Files: []plan.File{{Path: one.path, Raw: content}}}}}
			}
			for _, f := range findings(t, machine(one.good), only) {
				assert.Equal(t, plan.Notice, f.Level, "%+v", f)
			}
			bad := findings(t, machine(one.bad), only)
			require.NotEmpty(t, bad)
			expect(t, []string{one.want}, bad[:1])
		})
	}
}

func TestCloudInitsSchemaIsAsked(t *testing.T) {
	path := program(t, "cloud-init")
	only := func(program string) (string, error) {
		if program == "cloud-init" {
			return path, nil
		}
		return noTools(program)
	}
	expect(t, []string{"notice vm: user-data: cloud-init's schema accepts it"},
		findings(t, plan.Stack{Machines: []plan.Machine{{Name: "vm", Raw: "#cloud-config\npackages: [nginx]\n"}}}, only))
	expect(t, []string{"error vm: user-data: cloud-init refuses it:"},
		findings(t, plan.Stack{Machines: []plan.Machine{{Name: "vm", Raw: "#cloud-config\npackages: nginx\n"}}}, only))
}

func TestMissingProgramsAreNamed(t *testing.T) {
	s := plan.Stack{Name: "s", Machines: []plan.Machine{{Name: "vm", Raw: "#cloud-config\n", Files: []plan.File{
		{Path: nginxConf}, {Path: supervisordConf}, {Path: "/etc/systemd/system/a.service"},
	}}}}
	var programs []string
	for _, f := range run(t.Context(), s, &plan.Secrets{}, noTools) {
		assert.Equal(t, plan.Notice, f.Level)
		programs = append(programs, f.What)
	}
	assert.Equal(t, []string{
		"the cloud-config's schema was not checked: cloud-init is not installed on this computer",
		"nginx.conf was not checked: nginx is not installed on this computer",
		"supervisord.conf was not checked: supervisord is not installed on this computer",
		"the systemd units was not checked: systemd-analyze is not installed on this computer",
	}, programs)
}

func TestAStackWithoutPreviewIsNotJudged(t *testing.T) {
	assert.Empty(t, Stack(t.Context(), plan.Stack{Error: "no", Resources: []plan.Resource{res("aws:s3/bucketV2:BucketV2", "b", m{})}}, nil))
}

func TestHTTPSCanBeReached(t *testing.T) {
	machine := []plan.Machine{{Name: "vm", Files: []plan.File{{Path: nginxConf, Raw: "http {\n\tserver {\n\t\tlisten 443 ssl http2;\n\t}\n}\n"}}}}
	rule := func(port float64) any {
		return m{"protocol": "tcp", "fromPort": port, "toPort": port, "cidrBlocks": l{"0.0.0.0/0"}}
	}
	group := func(rules ...any) plan.Stack {
		return plan.Stack{Machines: machine, Resources: []plan.Resource{res("aws:ec2/securityGroup:SecurityGroup", "web", m{"ingress": rules})}}
	}
	errorsOf := func(s plan.Stack) []plan.Finding {
		var kept []plan.Finding
		for _, f := range findings(t, s, noTools) {
			if f.Level == plan.Error {
				kept = append(kept, f)
			}
		}
		return kept
	}
	assert.Empty(t, errorsOf(group(rule(80), rule(443))))
	assert.Empty(t, errorsOf(plan.Stack{Machines: machine}), "a machine on this computer has no firewall")
	expect(t, []string{"error vm: Nginx serves HTTPS, but no rule opens 443"}, errorsOf(group(rule(80))))
	expect(t, []string{"error vm: the certificate's authority asks on port 80, which no rule opens"}, errorsOf(group(rule(443))))

	ingress := func(annotations m, names ...any) plan.File {
		rules := l{}
		for _, name := range []any{"api.example.com", "www.example.com"} {
			rules = append(rules, m{"host": name})
		}
		return plan.File{Path: "ingress.yaml", Object: m{"kind": "Ingress", "metadata": m{"annotations": annotations}, "spec": m{"rules": rules, "tls": l{m{"hosts": names, "secretName": "tls"}}}}}
	}
	assert.Empty(t, errorsOf(plan.Stack{Manifests: []plan.File{ingress(nil, "api.example.com", "www.example.com")}}))
	expect(t, []string{`error ingress.yaml: host "www.example.com" has no certificate, though others have`},
		errorsOf(plan.Stack{Manifests: []plan.File{ingress(nil, "api.example.com")}}))
	plain := ingress(nil)
	delete(plain.Object["spec"].(m), "tls")
	served := func(values m) []plan.Finding {
		return findings(t, plan.Stack{Manifests: []plan.File{plain}, Resources: []plan.Resource{res("kubernetes:helm.sh/v3:Release", "traefik", m{"values": values})}}, noTools)
	}
	expect(t, []string{
		`notice ingress.yaml: host "api.example.com" serves plain HTTP: the stack has no certificate for it`,
		`notice ingress.yaml: host "www.example.com" serves plain HTTP: the stack has no certificate for it`,
	}, served(nil))
	assert.Empty(t, served(m{"certificatesResolvers": m{"escala": m{}}}))
	assert.Empty(t, served(m{"service": m{"annotations": m{"service.beta.kubernetes.io/do-loadbalancer-certificate-name": "api"}}}))
	both := m{"alb.ingress.kubernetes.io/listen-ports": `[{"HTTP":80},{"HTTPS":443}]`}
	expect(t, []string{"error ingress.yaml: the load balancer listens for HTTPS without a certificate"},
		errorsOf(plan.Stack{Manifests: []plan.File{ingress(both, "api.example.com", "www.example.com")}}))
	params := plan.File{Path: "params.yaml", Object: m{"kind": "IngressClassParams", "spec": m{"certificateARNs": l{"arn"}}}}
	assert.Empty(t, errorsOf(plan.Stack{Manifests: []plan.File{params, ingress(both, "api.example.com", "www.example.com")}}))
}
