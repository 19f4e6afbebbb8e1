package build

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"escala/service"
)

// machines maps ELF's names of architectures to Go's.
var machines = map[elf.Machine]string{elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64"}

// libraries are the shared libraries that every Debian 12 machine has: those of
// libc6, libgcc-s1, libstdc++6 and zlib1g, which dpkg and apt need.
var libraries = []string{
	"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libresolv.so.2", "libutil.so.1", "libanl.so.1",
	"ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libgcc_s.so.1", "libstdc++.so.6", "libz.so.1",
}

// glibc is the version of Debian 12's libc6.
var glibc = []int{2, 36}

// checkBinary returns the reason why the binary cannot run on a platform, or "".
func (s Source) checkBinary(platform Platform, place Place) string {
	name := s.Program.BinaryFor(platform.Arch)
	f, err := elf.Open(s.path(name))
	var notELF *elf.FormatError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("%q is not there; build it before, for %s", name, platform)
	case errors.As(err, &notELF), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Sprintf("%q is no Linux program: %v", name, err)
	case err != nil:
		return fmt.Sprintf("%q cannot be read: %v", name, err)
	}
	defer f.Close()
	if arch := machines[f.Machine]; arch != platform.Arch {
		hint := ""
		if len(place.Platforms) > 1 && s.Program.Binary == name {
			hint = fmt.Sprintf("; one file for each architecture is named with %s: \"./dist/api-%s\"", service.ArchPlaceholder, service.ArchPlaceholder)
		}
		return fmt.Sprintf("%q is for %s, and it is to run on %s: build it with GOOS=linux GOARCH=%s%s", name, describe(f.Machine), platform, platform.Arch, hint)
	}
	if !executable(f) {
		return fmt.Sprintf("%q is a library or an object file and no program", name)
	}
	if bad := checkLibraries(f, place.Libraries); bad != "" {
		return fmt.Sprintf("%q %s; link it statically: CGO_ENABLED=0 for Go, musl-gcc -static for C, the target …-linux-musl for Rust", name, bad)
	}
	return ""
}

// executable reports whether a file is a program. A program that can be loaded at
// any address has the type of a library, but other flags.
func executable(f *elf.File) bool {
	if f.Type == elf.ET_EXEC {
		return true
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return true
		}
	}
	flags, err := f.DynValue(elf.DT_FLAGS_1)
	return err == nil && f.Type == elf.ET_DYN && len(flags) > 0 && elf.DynFlag1(flags[0])&elf.DF_1_PIE != 0
}

func describe(m elf.Machine) string {
	if arch := machines[m]; arch != "" {
		return "linux/" + arch
	}
	return m.String()
}

// checkLibraries returns the libraries that a program needs and its place lacks, or
// "".
func checkLibraries(f *elf.File, debian bool) string {
	var loader string
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			loader = interpreter(p)
		}
	}
	needed, err := f.ImportedLibraries()
	if err != nil {
		return fmt.Sprintf("cannot be read: %v", err)
	}
	switch {
	case loader == "" && len(needed) == 0:
		return ""
	case !debian:
		return fmt.Sprintf("is linked against %s, and an image of escala's has no libraries", strings.Join(append(needed, loader), ", "))
	case strings.Contains(loader, "musl"):
		return fmt.Sprintf("starts with %s, which Debian does not have", loader)
	}
	missing := slices.DeleteFunc(slices.Clone(needed), func(name string) bool { return slices.Contains(libraries, name) })
	if len(missing) > 0 {
		return fmt.Sprintf("is linked against %s, which the machine does not have", strings.Join(missing, ", "))
	}
	versions, err := f.DynamicVersionNeeds()
	if err != nil {
		return fmt.Sprintf("cannot be read: %v", err)
	}
	for _, library := range versions {
		for _, need := range library.Needs {
			if newer(need.Dep) {
				return fmt.Sprintf("needs %s, and the machine's Debian 12 has glibc %d.%d", need.Dep, glibc[0], glibc[1])
			}
		}
	}
	return ""
}

// interpreter returns the path of a program's dynamic loader.
func interpreter(p *elf.Prog) string {
	text := make([]byte, min(p.Filesz, 256))
	if _, err := p.ReadAt(text, 0); err != nil {
		return ""
	}
	return strings.TrimRight(string(text), "\x00")
}

// newer reports whether a symbol version ("GLIBC_2.38") is above Debian 12's.
func newer(version string) bool {
	number, ok := strings.CutPrefix(version, "GLIBC_")
	if !ok {
		return false
	}
	var parts []int
	for part := range strings.SplitSeq(number, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return false // GLIBC_PRIVATE, GLIBC_ABI_DT_RELR
		}
		parts = append(parts, n)
	}
	return slices.Compare(parts[:min(2, len(parts))], glibc) > 0
}
